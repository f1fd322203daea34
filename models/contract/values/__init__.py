"""Values of the contract: times, zones, ids, texts and tokens."""
