"""The threads that write: they take commands from a queue and run them in batches."""
