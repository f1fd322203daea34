"""The database: how it is opened, its tables and migrations, and queries that are compiled once."""
