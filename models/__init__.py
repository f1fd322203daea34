"""Calendars, slots, holds and bookings: their rules, their storage, and the log of their changes.

The package is synchronous and transactional. It knows no event loop, no socket and no HTTP.
"""
