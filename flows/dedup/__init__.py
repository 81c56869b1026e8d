"""Deduplication over Parquet: sketched in shards, searched in bands, explained row by row."""
