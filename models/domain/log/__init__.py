"""The log of changes, and the public form of what a change shows."""
