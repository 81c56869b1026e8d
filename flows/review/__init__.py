"""The review of sources in a run."""
