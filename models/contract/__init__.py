"""The contract of the service layer and its callers: commands, changes, errors, times and ids.

It imports no other package.
"""
