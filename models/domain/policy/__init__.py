"""The decisions on a command: allowed or refused. They write no row."""
