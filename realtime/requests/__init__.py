"""Requests: the handler of all of them, and those that take more than one command or read."""
