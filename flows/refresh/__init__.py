"""Incremental runs: only what is new goes through the stages; the version before is carried on."""
