"""Reads: snapshots, feeds, searches, histories and explanations, each of one instant."""
