"""The command line: settings, the server's start and stop, and the commands for a database.

Only `server.py`, the tests and the benchmarks import it.
"""
