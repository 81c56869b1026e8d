"""Generation: runs the jobs of a method and turns what they made into a stage."""
