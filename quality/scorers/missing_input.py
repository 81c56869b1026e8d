"""Tasks that point at an input that is not there."""

import polars as pl

from quality.scorers.measure import flag, measure
from quality.scorers.placeholder_output import is_stand_in
from quality.words import count_words

_DOCUMENT = (
    r"(?:text|article|passage|story|poem|document|essay|report|book|speech|dialogue|conversation|"
    r"transcript|blog post|news article|review|dataset|artikel|text|geschichte|gedicht|aufsatz)"
)
_THING = (
    rf"(?:{_DOCUMENT}s?|sentences?|paragraphs?|list|data|numbers?|words?|email|letter|recipe|tweet|"
    r"table|statements?|equations?|phrases?|input|information|lyrics|"
    r"abschnitt|absatz|satz|sätze|liste|daten|zahlen|wörter|tabelle)"
)
#: Named by the task only where it is given: "this company" may be anybody's own.
_SUBJECT = (
    r"(?:compan(?:y|ies)|cit(?:y|ies)|countr(?:y|ies)|products?|movies?|films?|songs?|scenarios?|"
    r"situations?|topics?|items?|problems?|questions?|themes?|locations?|address|objects?|animals?|"
    r"options?|concepts?|facts?|prompts?|context|details|elements|examples?|title|headline|names?|"
    r"quotes?|claims?|hypothesis|graph|diagram|codes?|snippets?|"
    r"produkte?|filme?|lied(?:er)?|szenario|situation|thema|themen|ort|objekte?|optionen|frage|fragen|"
    r"begriffe?|namen|zitat|aussagen?)"
)
#: "the following text", "the given list", "this article" ...
_POINTS = (
    rf"(?i)\b(?:the|these|der|die|das|den|dem)? ?(?:following|given|below|provided|attached|"
    rf"folgende[nrms]?|gegebene[nrms]?) (?:\w+ )?{_THING}\b"
    rf"|\b(?:the|these|der|die|das|den|dem) (?:following|given|provided|attached|folgende[nrms]?|"
    rf"gegebene[nrms]?|angegebene[nrms]?) (?:\w+ )?{_SUBJECT}\b"
    rf"|\b(?:this|these|diese[nrms]?) {_THING}\b|\b{_THING} (?:below|given|provided|attached)\b"
    r"|\b(?:read|summari[sz]e|edit|proofread|translate|analy[sz]e|lies|übersetze|korrigiere)"
    rf" (?:the|this|den|die|das|diese[nrms]?) {_THING}\b"
)
#: "whether a given email is spam" speaks of any email.
_ANY = r"(?i)\b(?:an?|any|each|eine[mnrs]?|jede[mnrs]?) (?:given|provided|gegebene[nrms]?)\b"
#: ... unless the text stands in the instruction itself, or the task is to write a program.
_HOLDS = (
    r"(?i):\s*\S|\n\s*\S|[\"“„«‘'].{2,}[\"”“»’']|\s[-–—]\s+\S|[.?!]\s+\S|\d+[ ,;]+\d+|\d "
    r"?[-+*/x^=%] ?\d|\[.+\]|\{.+\}|\(.{12,}\)"
    rf"|\b{_THING} \d|\b{_THING} (?:of|by|from|called|titled|entitled|von|namens)\b"
    r"|\b(?:function|program|script|code|algorithm|class|method|query|funktion|programm)\b"
)
#: The input names itself instead of being there.
_LABEL = (
    rf"(?i)^\W*(?:(?:an?|the|this|your|my|insert|ein|eine|der|die|das|"
    rf"dieser?) )?(?:\w+ )?{_DOCUMENT}"
    r"(?: (?:is )?(?:here|attached|provided|given|above|below|about|on|of|is about|is on|titled|"
    r"is titled|is discussing|discusses|describes|talks about|deals with|explains|covers|über|"
    r"handelt von)\b[^.!?\n]*)?\W*$"
    rf"|^\W*[\[<(][^\]>)\d,]*(?:{_THING}|link|attached|insert|here)[^\]>)]*[\]>)]\W*$"
)
_MAX_LABEL_WORDS, _MIN_ABOUT_WORDS = 25, 6
_NAMES = r"(?i)\b(?:title|headline|tag ?line|slogan|hashtags?|titel|überschrift|schlagzeile)\b"


def missing_input(rows: pl.DataFrame) -> pl.Series:
    """Say whether the task needs an input that the row does not hold.

    True where the instruction speaks of "the following text", holds no text itself and the input
    is empty, a stand-in, or only says what the input would be ("The article is about AI").

    Args:
        rows: frame with `instruction` and `input`.

    Returns:
        Float64: 1.0 or 0.0, never null.

    Source:
        The inconsistent-input issue of https://github.com/gururise/AlpacaDataCleaned. Differs:
        also finds inputs that only describe themselves.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Summarize the following text."] * 2,
        ...     "input": ["", "Bees fly far for food."]})
        >>> missing_input(rows).to_list()
        [1.0, 0.0]
    """
    task = pl.col("instruction").fill_null("").str.replace_all(_ANY, "some")
    given = pl.col("input").fill_null("")
    no_input = ~given.str.contains(r"[\p{L}\p{N}]") | is_stand_in(given)
    points = task.str.contains(_POINTS) & ~task.str.contains(_HOLDS)
    label = given.str.contains(_LABEL) & (count_words(given) <= _MAX_LABEL_WORDS)
    # What a text is about is enough to find a title for it.
    named = task.str.contains(_NAMES) & (count_words(given) >= _MIN_ABOUT_WORDS)
    return measure(rows, "missing_input", flag(points & (no_input | (label & ~named))))
