"""Calendars, their feed keys and the sources of their busy times."""
