"""Searches over several calendars: of bookings, and of slots."""
