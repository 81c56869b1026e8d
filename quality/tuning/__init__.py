"""Thresholds: what they would cost, and which of them labelled rows support."""
