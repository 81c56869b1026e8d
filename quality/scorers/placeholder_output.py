"""Answers that only stand in for an answer."""

import polars as pl

from quality.scorers.measure import flag, measure

#: Never an answer.
_STAND_IN = (
    r"(?i)^[\s<\[({\"'*_-]*(?:n/a|n\.a\.|no[ _-]?(?:out ?put|in ?put|answer|response|result|"
    r"content)"
    r"(?: (?:is )?(?:required|needed|available|provided|given|possible|found))?|"
    r"(?:output|answer|response|text|insert text|your (?:answer|text|output))(?: goes)? here|"
    r"not (?:applicable|available|provided)|(?:the )?output (?:is )?not (?:applicable|available)|"
    r"tbd|todo|to be (?:determined|done|filled)|lorem ipsum[^\n]*|"
    r"(?:i )?do(?:n['’]t| not) know|i have no idea|no idea|"
    r"keine? (?:ausgabe|antwort|eingabe|angaben?|ergebnis)(?: (?:erforderlich|nötig|verfügbar|"
    r"möglich))?|"
    r"(?:nicht|un)(?: )?(?:zutreffend|verfügbar|anwendbar|bekannt)|entfällt|k\.? ?a\.?|"
    r"(?:das )?weiß ich nicht|ich weiß es nicht|keine ahnung|"
    r"\.{2,}|…|-{2,}|_{2,}|\?{2,}|x{3,})[\s>\])}\"'*_.!-]*$"
)
#: An answer to some questions, a stand-in elsewhere.
_NONE = (
    r"(?i)^\W*(?:none|null|undefined|nan|nil|nothing|unknown|keine?r?s?|nichts|unbekannt)\W*$|"
    r"^\s*[-–—?]\s*$"
)
#: Tasks that ask for something to be made, which "none" cannot be.
_MAKES = (
    r"(?i)^\W*(?:please |bitte )?(?:create|design|draw|make|generate|write|compose|produce|develop|"
    r"build|construct|invent|come up with|explain|describe|summari[sz]e|suggest|erstelle|entwirf|"
    r"zeichne|schreibe|verfasse|erkläre|beschreibe|generiere|fasse)\b"
)


def is_stand_in(words: pl.Expr) -> pl.Expr:
    """Say whether a text is nothing but a stand-in such as "N/A" or "<nooutput>"."""
    return words.fill_null("").str.contains(_STAND_IN)


def placeholder_output(rows: pl.DataFrame) -> pl.Series:
    """Say whether the output is a stand-in such as "N/A", "<nooutput>" or "I don't know".

    Args:
        rows: frame with `instruction` and `output`.

    Returns:
        Float64: 1.0 stand-in, 0.0 not (an empty output too: `empty_output` says that); null for
        "None", "Nothing" and "Unknown", unless the task asks to make something.

    Source:
        The N/A and empty-output issues of the AlpacaDataCleaned list,
        https://github.com/gururise/AlpacaDataCleaned. Differs: German, and abstains on "None".

    Example:
        >>> rows = pl.DataFrame({"instruction": "Draw a logo.", "output": ["<nooutput>", "No."]})
        >>> placeholder_output(rows).to_list()
        [1.0, 0.0]
    """
    words = pl.col("output").fill_null("")
    makes = pl.col("instruction").fill_null("").str.contains(_MAKES)
    none = words.str.contains(_NONE)
    told = pl.when(none & ~makes).then(None).otherwise(flag(is_stand_in(words) | none))
    return measure(rows, "placeholder_output", told)
