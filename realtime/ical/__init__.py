"""Calendars and bookings as iCalendar files."""
