"""Slots: their times, their seats, and the neighbours and busy times that block them."""
