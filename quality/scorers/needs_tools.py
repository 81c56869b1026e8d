"""Tasks that no text model can do by writing."""

import polars as pl

from quality.scorers.measure import flag, measure

_MAKES = (
    r"(?:create|design|draw|make|generate|produce|sketch|paint|illustrate|build|compose|record|"
    r"render|develop|construct|plot|visuali[sz]e|prepare|add|insert|crop|redesign|recreate|"
    r"erstelle|entwirf|zeichne|male|skizziere|gestalte|generiere|komponiere)"
)
#: An article, or none, and at most three words that describe the thing.
_ONE = (
    r"(?: (?:me|mir))?(?: (?:an?|the|this|some|two|three|your|my|eine?n?|das|den|die))?"
    r"(?: [\w'’-]+){0,3}?"
)
_PICTURE = (
    r"(?:images?|pictures?|photo(?:graph)?s?|drawings?|paintings?|posters?|logos?|cartoons?|"
    r"comic strips?|illustrations?|infographics?|sketch(?:es)?|artworks?|collages?|memes?|gifs?|"
    r"animations?|videos?|mock-?ups?|wireframes?|(?:bar|pie|line|flow) ?(?:charts?|graphs?)|"
    r"mind ?maps?|venn diagrams?|diagrams?|graphs?|charts?|visuali[sz]ations?|"
    r"visual representations?|graphics?|3d (?:models?|images?|animations?|objects?|renders?|"
    r"renderings?|simulations?|designs?|prints?)|melod(?:y|ies)|soundtracks?|audio (?:\w+)|"
    r"slide ?shows?|power ?points?|user interfaces?|gui|"
    r"bild(?:er)?|zeichnung|gemälde|plakat|logo|karikatur|diagramm|foto|grafik|skizze|melodie|"
    r"flussdiagramm|balkendiagramm|(?:3d-)?visualisierung|strichmännchen)"
)
_SHOWN = (
    r"(?:image|picture|photo(?:graph)?|painting|drawing|video|recording|audio(?: \w+)?|podcast|"
    r"(?:\w+ )?chart|screenshot|map|logo|bild|foto|gemälde|aufnahme)"
)
_SENSES = (
    # A picture or a sound is to be made,
    rf"(?i)^\W*(?:please |bitte )?{_MAKES}{_ONE} {_PICTURE}\b"
    r"|^\W*(?:draw|sketch|paint|photograph|zeichne|male)\b"
    # or is said to be there to look at or to listen to.
    rf"|\b(?:this|following|attached|below|provided|given|shown|dieses|folgende[sn]?|gegebene[sn]?)"
    rf" (?:\w+ )?{_SHOWN}\b|\b(?:the|das) (?:image|picture|photo(?:graph)?|audio|bild|foto)\b"
    rf"|\b{_SHOWN} (?:below|attached|above|given|provided)\b"
    r"|^\W*(?:transcribe|transkribiere) [^.]*(?:audio|recording|speech|video|podcast|aufnahme)\b"
    r"|^\W*(?:listen to|watch|höre dir|schau dir)\b"
)
_WORLD = (
    # The web,
    r"(?i)\b(?:search|browse|surf|look up|google|durchsuche|suche) (?:\w+ ){0,3}?"
    r"(?:web|internet|online|google|netz)\b"
    r"|\b(?:search|look up|find|retrieve|access|fetch|rufe|hole)\b[^.]{0,40}\b(?:on the (?:web|"
    r"internet)|from the (?:web|internet)|online|(?:aus dem|im) internet)\b"
    r"|^\W*google\b|\bvisit (?:the|this) (?:web)?site\b"
    r"|\b(?:this|given|following) (?:web ?site|web ?page|link)\b"
    # a device or an account,
    r"|^\W*(?:please )?(?:set|schedule|book|order|buy|call|email|turn (?:on|off)|play|download|"
    r"upload|install)"
    r"(?: up)? (?:me |us )?(?:an?|the) (?:\w+ ){0,2}(?:reminder|alarm|timer|flight|hotel|table|"
    r"reservation|taxi|pizza|ticket|lights?|song|music|app|software|meeting|appointment)\b"
    # or the present moment is needed.
    r"|\b(?:current|latest|today['’]?s|live|real-time|aktuelle[nrs]?|heutige[nrs]?) (?:\w+ )?"
    r"(?:weather|temperature|price|stock|news|time|exchange rate|score|wetter|uhrzeit|kurs|preis|"
    r"nachrichten)\b"
    r"|\bweather (?:\w+ )?(?:today|tomorrow|forecast)|\bwhat time is it\b"
    r"|\bwetter\b.*\b(?:heute|morgen)\b|\bwie sp(?:ä|ae)t ist es\b"
    r"|^\W*train an? (?:\w+[ -]){0,4}(?:model|classifier|network)\b"
    r"|^\W*(?:predict|forecast)\b[^.]{0,40}\b(?:stock|weather|election|winner|market)\b"
)
#: What is quoted is material, not a wish.
QUOTED = r"\"[^\"\n]*\"|“[^”\n]*”|„[^“\n]*“|«[^»\n]*»"
#: Code and words about pictures can be written.
_WRITABLE = (
    r"(?i)\b(?:html|css|svg|ascii|python|java(?:script)?|matplotlib|sql|code|script|function|"
    r"program|algorithm|latex|slogan|tag ?line|title|name for|description of|explain|essay|story|"
    r"poem|(?:character|biographical|personality) sketch|sketch comedy|"
    r"mental (?:image|picture)|word picture|paint a picture|big picture|imagery)\b"
)


def find_need(column: str) -> pl.Expr:
    """Return the words of a task that ask for a sense or a tool, null where there are none."""
    task = pl.col(column).fill_null("").str.replace_all(QUOTED, " ")
    found = pl.coalesce(task.str.extract(_SENSES, 0), task.str.extract(_WORLD, 0))
    return pl.when(~task.str.contains(_WRITABLE)).then(found)


def needs_tools(rows: pl.DataFrame) -> pl.Series:
    """Say whether the task asks for eyes, ears, a pencil, the web, a device or the present.

    A text answer to such a task is invented, refused or beside the point.

    Args:
        rows: frame with `instruction`.

    Returns:
        Float64: 1.0 or 0.0, never null.

    Source:
        The hallucination and image issues of https://github.com/gururise/AlpacaDataCleaned, and
        Self-Instruct's word filter (image, graph, file ...), https://arxiv.org/abs/2212.10560.
        Differs: phrases instead of single words; German.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Draw a cat.", "Write a poem about a drawing."]})
        >>> needs_tools(rows).to_list()
        [1.0, 0.0]
    """
    return measure(rows, "needs_tools", flag(find_need("instruction").is_not_null()))
