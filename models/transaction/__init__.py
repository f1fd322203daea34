"""The locks, routes, savepoints, pending rows and idempotency records of one transaction."""
