"""Opening hours: schedules, recurrence rules, the slots that they open, and when."""
