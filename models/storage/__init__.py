"""The database: opening it, its tables, triggers and migrations, and queries compiled once."""
