"""Methods that find duplicate rows, from the cheapest to the deepest."""

#: In running order: each sees what the one before kept.
METHODS = ("exact", "lexical", "semantic")
