"""Rooms: the subscribers of each calendar, and the way of changes to them."""
