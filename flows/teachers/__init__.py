"""Speaks to models: the embedded teacher and every OpenAI-compatible server."""
