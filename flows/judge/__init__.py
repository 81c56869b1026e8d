"""Judging, the part that asks: prompts, judges, canaries, the stage and the verb."""
