"""The access of clients: tokens, tickets, rate limits and the visibility of calendars."""
