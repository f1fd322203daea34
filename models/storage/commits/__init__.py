"""The commits of other processes: the watch of the log, and the notifications between servers."""
