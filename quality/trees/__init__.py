"""Message trees: their two export forms, what is taken from them, rankings merged into one."""
