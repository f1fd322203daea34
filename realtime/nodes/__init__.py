"""Several servers and workers on one database: their leader, and what they pass to one another."""
