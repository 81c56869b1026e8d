"""The student at work: its vectors, its file, its stage and the verb `learn`."""
