"""Replicas: a calendar's slots and the end of its log, in memory."""
