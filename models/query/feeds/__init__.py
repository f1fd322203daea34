"""The feeds of a calendar: of its slots, and of its bookings for staff."""
