"""What all commands of one transaction share: locks, routes, and idempotency records."""
