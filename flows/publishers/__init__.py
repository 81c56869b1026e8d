"""Where finished versions go."""
