"""The locks, routes, savepoints and idempotency records of one transaction."""
