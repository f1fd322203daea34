"""Holds and bookings: how each is made, changed, moved and ended."""
