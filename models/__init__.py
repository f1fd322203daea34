"""The book: calendars, slots, holds and bookings, their rules and the log of their changes.

Synchronous and transactional: no event loop, no socket, no HTTP on this side of the wall.
"""
