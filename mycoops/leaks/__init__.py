"""Searches for values where they must not be, after every run that acts; names the place, never the value."""
