"""Judging, the pure part: what a judge is shown, what counts as its verdict, what verdicts say."""
