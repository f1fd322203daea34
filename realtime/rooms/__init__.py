"""Rooms: the subscribers of each calendar, what they have, and how changes reach them."""
