"""The review of sources: what each is like as a whole, and whether it should stay."""
