"""Whether a translation kept what it had to keep."""
