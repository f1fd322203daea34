"""The link between the workers of one machine and the process that writes to their SQLite file."""
