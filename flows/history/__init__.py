"""Versions over time: what changed, what a row went through, whether the files are as published."""
