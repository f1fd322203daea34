"""The command line: settings, the server's start and stop, and the commands that act on a database.

Only `server.py`, the tests and the benchmarks import it.
"""
