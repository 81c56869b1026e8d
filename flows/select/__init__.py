"""Selection as a stage: what the pure functions need of the world, and what they leave behind."""
