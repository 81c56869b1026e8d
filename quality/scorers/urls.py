"""Links that a language model cannot have read."""

import polars as pl

from quality.scorers.measure import measure

URL = r"(?i)\b(?:https?://|www\.)[^\s<>\"'()\[\]{}，。]+"
#: The task is about what stands behind the link.
_READS = (
    r"(?i)\b(?:read|summar\w*|analy[sz]e|review|visit|open|browse|evaluate|critique|appraise|check|"
    r"extract|describe|according to|based on|article|page|website|blog|video|image|photo|picture|"
    r"classify|find|identify|explain|what|translate|caption|report|transcribe|compare|rate|"
    r"lies|lese|fasse|zusammenfass\w*|analysiere|öffne|besuche|bewerte|prüfe|beschreibe|artikel|"
    r"seite|webseite|bild|finde|erkläre|was|vergleiche)\b"
)
#: The task is about the link itself, or asks for code around it.
_HANDLES = (
    r"(?i)\b(?:url|domain|parse|regex|shorten|html|css|code|script|python|javascript|curl|request|"
    r"hyperlink|format|cite|citation|bibliograph\w*|reference|zitier\w*|quellenangabe|program|"
    r"funktion|function|extract the (?:domain|protocol|host)|split|valid|markdown|encode)\b"
)
#: Addresses reserved or used for examples, and those of standards.
_EXAMPLE = (
    r"(?i)\b(?:https?://)?(?:www\.)?(?:[\w-]+\.)*(?:example|test|localhost|invalid|yourdomain|"
    r"your-?(?:site|website|company)|mywebsite|website|w3|schema|127\.0\.0\.1)\b[^\s]*"
)


def find_url(column: str) -> pl.Expr:
    """Return the first link in `column` that is not an example address, null without one."""
    words = pl.col(column).fill_null("").str.replace_all(_EXAMPLE, " ")
    return words.str.extract(URL, 0).str.strip_chars_end(".,;:!?")


def urls(rows: pl.DataFrame) -> pl.Series:
    """Say whether the row relies on a link that a language model cannot have read.

    1.0: the task asks to read, sum up or judge what stands behind a link. 0.5: the output names a
    link that the task did not give, and the output is not code.

    Args:
        rows: frame with `instruction`, `input` and `output`.

    Returns:
        Float64: 0.0, 0.5 or 1.0, never null. Example addresses do not count.

    Source:
        The hallucination issue of https://github.com/gururise/AlpacaDataCleaned. Differs: keeps
        tasks about the link itself (parsing, citing, code).

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Summarise this page."], "output": ["It is long."],
        ...     "input": ["https://news.site/a"]})
        >>> urls(rows).to_list()
        [1.0]
    """
    task = pl.col("instruction").fill_null("").str.replace_all(URL, " ")
    given = find_url("instruction").is_not_null() | find_url("input").is_not_null()
    only_link = pl.col("input").fill_null("").str.contains(rf"^\s*(?:\w+:\s*)?{URL}\s*$")
    reads = given & (task.str.contains(_READS) | only_link) & ~task.str.contains(_HANDLES)
    answer = pl.col("output").fill_null("")
    invented = find_url("output").is_not_null() & ~given & ~answer.str.contains(r"```|<\w+|\w\(")
    invented = invented & ~task.str.contains(r"(?i)\b(?:url|link|html|code|script)\b")
    return measure(rows, "urls", pl.when(reads).then(1.0).when(invented).then(0.5).otherwise(0.0))
