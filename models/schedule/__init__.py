"""Schedules and recurrence rules, and the slots made from them."""
