"""Reads of the database: their queues, their threads, and a cache of their bytes."""
