"""Measurements against named references: `python3 dev.py bench [name]`."""
