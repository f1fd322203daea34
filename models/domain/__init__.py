"""The rules of calendars, slots, holds and bookings, and the log of their changes."""
