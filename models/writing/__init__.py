"""The writer threads: they take commands from a queue and run them in batches."""
