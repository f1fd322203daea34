"""Decisions that allow or refuse a command. They write no row."""
