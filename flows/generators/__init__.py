"""Pairs of pure functions that render requests and parse replies; every prompt lives here."""
