"""Busy times: fetches other calendars, expands their events, and blocks the overlapping slots."""
