"""Where a budget pays: what an arm of a generator brought for its cost, and what comes next."""
