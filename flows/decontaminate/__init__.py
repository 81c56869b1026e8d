"""Decontamination of a run: benchmarks from files and the Hub, rows with their items dropped."""
