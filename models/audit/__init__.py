"""The audit of a database, and the repair of what it finds."""
