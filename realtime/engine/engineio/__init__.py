"""Engine.IO v4: sessions, long polling, upgrades and heartbeats."""
