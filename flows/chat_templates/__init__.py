"""Chat templates of local models: what stands before and after a user's words."""
