"""Reads: snapshots, feeds, explanations and audits, each of one instant."""
