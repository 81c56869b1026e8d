"""A small model that learns what is good from labelled rows and scores every other row."""
