"""Calendars as iCalendar feeds."""
