"""`feingold tune` and `filters: auto`: thresholds from stored scores and labelled files."""
