"""Compares two versions of a dataset: rows, scores, counts and recipes."""
