"""Where the wish of a prompt begins: after "Please", "Given a list of numbers," and the like."""

#: Words before the verb: "Please", "Given a list of numbers,", "In this task you are to".
_START = (
    r"^\W*(?:(?:please|kindly|now|now,|next|can you|could you|would you|will you|your (?:task|job) "
    r"is to|you (?:need|have|are asked) to|you must|i (?:need|want) you to|i'd like you to|help me"
    r"(?: to)?|try to|bitte|nun|kannst du|könntest du|können sie|könnten sie|deine aufgabe ist es"
    r"|hilf mir)\W+)*"
)
_GIVEN = (
    r"(?:(?:given|based on|using|use|from|for|in|on|of|read|consider|look at|take|with|considering|"
    r"according to|by|after|here|as|imagine|suppose|assume|let's say|this is|the following|you are"
    r"|gegeben|gegebenenfalls|ausgehend|angesichts|anhand|basierend|auf der|aus|für|im|bei|lies|"
    r"lesen sie|mit|nimm|nehmen sie|unter|stell dir|stellen sie sich|angenommen|du bist|sie sind|"
    r"hier)\b[^.:!?;\n]{2,160}?(?:[,.:;!?\n]| and | und )\s*"
    r"(?:(?:and|then|please|your task is to|und|dann|bitte)\W+)*)?"
)


def led_by(verbs: str) -> str:
    """Return a pattern of prompts whose first wish is one of some verbs.

    Args:
        verbs: an alternation, for Rust's `regex`.

    Example:
        >>> import polars as pl
        >>> texts = pl.Series(["Given a list, sort it.", "How does one sort?"])
        >>> texts.str.contains(led_by("sort")).to_list()
        [True, False]
    """
    return rf"(?i){_START}{_GIVEN}(?:{verbs})\b"
