"""Tasks that no text model can do by writing."""

import polars as pl

from quality.scorers.measure import measure

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
    r"slide ?shows?|power ?points?|(?:user |ui |gui |app |graphical )interfaces?|gui|ui|sound "
    r"effects?|"
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
    # What is designed, not written, is to be looked at.
    r"|^\W*(?:please |bitte )?(?:design|illustrate|entwirf|gestalte)(?: (?:me|mir))?"
    r"(?: [\w'’-]+){0,4}? (?:brochures?|flyers?|leaflets?|banners?|icons?|mascots?|t-?shirts?|"
    r"dress|"
    r"outfit|uniform|packaging|(?:birthday|greeting|business|christmas) cards?|(?:book|album|"
    r"magazine) covers?|landing pages?|web ?pages?|websites?|flugblatt|broschüre|visitenkarte|"
    r"webseite|verpackung)\b"
    r"|\b(?:represent|show|display|visuali[sz]e|plot|present)\b[^.\n]{0,60}\b(?:in|as|on|with|"
    r"using) "
    r"an? (?:bar |pie |line |scatter )?(?:chart|graph|diagram|plot|histogram)\b"
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
)
#: The present moment.
_NOW = (
    r"(?i)\b(?:current|latest|today['’]?s|live|real-time|aktuelle[nrs]?|heutige[nrs]?) (?:\w+ )?"
    r"(?:weather|temperature|price|stock|news|time|exchange rate|score|wetter|uhrzeit|kurs|preis|"
    r"nachrichten)\b"
    r"|\bweather (?:\w+ )?(?:today|tomorrow|forecast)|\bwhat time is it\b"
    r"|\bwetter\b.*\b(?:heute|morgen)\b|\bwie sp(?:ä|ae)t ist es\b"
    r"|^\W*train an? (?:\w+[ -]){0,4}(?:model|classifier|network)\b"
    r"|^\W*(?:predict|forecast)\b[^.]{0,40}\b(?:stock|weather|election|winner|market)\b"
)
#: A thing of this place or this day: an answer from memory is a guess, and soon out of date.
_PRESENT = (
    r"(?i)\b(?:nearby|near me|(?:nearest|closest) (?:\w+ )?(?:restaurant|hotel|station|airport|"
    r"store|shop|"
    r"hospital|pharmacy|bank|park)|"
    r"in (?:my|your) (?:area|city|town|neighbou?rhood)|in (?:meiner|deiner) (?:nähe|stadt|gegend)|"
    r"nächstgelegene[nrs]?)\b"
    r"|\b(?:latest|(?:most )?recent(?:ly)?|current(?:ly)?|up-to-date|this (?:week|month|"
    r"year)['’]?s?|"
    r"tomorrow|next (?:week|month|year)|neueste[nrs]?|aktuelle[nrs]?|derzeitige[nrs]?) (?:\w+ )?"
    r"(?:news|data|statistics?|numbers?|figures?|rates?|trends?|events?|articles?|stud(?:y|ies)|"
    r"research|findings|developments?|president|ceo|prime minister|champion|population|market|"
    r"situation|status|state|year|model|version|releases?|daten|zahlen|studien?|lage|entwicklung\w*)\b"
    r"|\b(?:best|good|top|recommend\w*|find|suggest) (?:[\w'’-]+ ){0,4}(?:restaurants?|hotels?|"
    r"cafés?|cafes?|"
    r"bars?|flights?|shops?|stores?|museums?) (?:in|near|at|to|around)\b"
    r"|\b(?:price|cost) (?:of|for) (?:the|an?|this|one|two) (?:\w+ ){0,3}(?:product|trip|flight|"
    r"ticket|"
    r"car|phone|laptop|stay|vacation|house|item)s?\b"
    r"|^\W*(?:plan|create|find|give|provide|get|generate) (?:me )?(?:a |the |an )?(?:\w+ "
    r")?(?:route|directions|driving directions|route planner)\b"
    r"|^\W*(?:predict|forecast|make a prediction)\b[^.\n]{0,60}\b(?:prices?|future|next (?:week|"
    r"month|year|decade)|revenue|"
    r"winner|sales|profits?|earnings|population|popularity|20\d\d)\b"
)
#: A file, a form or a program that the model does not have.
_FILES = (
    r"(?i)^\W*(?:please )?(?:update|open|save|delete|add|insert|import|export|convert|format|fill|"
    r"run|execute|compile|deploy|install|debug|rename|print)\b[^.\n]{0,50}\b(?:cells?|spreadsheet|"
    r"excel (?:file|sheet)|worksheet|documents?|word file|pdf|files?|folder|contact list|calendar|"
    r"slides?|database|presentation|server|this (?:program|script|code)|the (?:program|script))\b"
)
#: What is quoted is material, not a wish.
QUOTED = r"\"[^\"\n]*\"|“[^”\n]*”|„[^“\n]*“|«[^»\n]*»"
#: Code, and words about pictures, can be written.
_CODE = (
    r"(?i)\b(?:html|css|svg|ascii|python|java(?:script)?|matplotlib|sql|code|script|function|"
    r"program|algorithm|latex|api|app|chatbot|model)\b"
)
_WRITABLE = (
    r"(?i)\b(?:slogan|tag ?line|title|name for|description of|explain|essay|story|"
    r"poem|(?:character|biographical|personality) sketch|sketch comedy|"
    r"mental (?:image|picture)|word picture|paint a picture|big picture|imagery)\b"
)
#: The task brings what it takes: code to be written or read, numbers to reckon with.
_GIVEN = (
    r"(?i)\b(?:function|python|java(?:script)?|sql|query|code|equation|formula|algorithm|given "
    r"(?:the|a|"
    r"an|that|this)|costs? [$€£]?\d)\b"
)
#: Fiction and advice may speak of any place and day.
_IMAGINED = (
    r"(?i)\b(?:imagine|story|poem|slogan|title|headline|fiction\w*|pretend|hypothetical|dialogue|"
    r"conversation|how (?:do|does|can|to)|explain|what if|might happen|sentence|tweet|email|e-mail|"
    r"paragraph|geschichte|gedicht|satz|erkläre)\b"
)


def find_need(column: str) -> pl.Expr:
    """Return the words of a task that ask for a sense or a tool, null where there are none."""
    task = _unquoted(column)
    seen = pl.coalesce(task.str.extract(_SENSES, 0), task.str.extract(_NOW, 0))
    told = pl.when(~task.str.contains(_WRITABLE)).then(seen)
    found = pl.coalesce(told, task.str.extract(_WORLD, 0))
    return pl.when(~task.str.contains(_CODE)).then(found)


def _unquoted(column: str) -> pl.Expr:
    return pl.col(column).fill_null("").str.replace_all(QUOTED, " ")


def _may_need(column: str) -> pl.Expr:
    """Say whether a task asks for this place, this day or a file that is not there."""
    task = _unquoted(column)
    present = task.str.contains(_PRESENT) | task.str.contains(_FILES)
    return present & ~task.str.contains(_IMAGINED) & ~task.str.contains(_GIVEN)


def needs_tools(rows: pl.DataFrame) -> pl.Series:
    """Say whether the task asks for eyes, ears, a pencil, the web, a device or the present.

    A text answer to such a task is invented, refused or beside the point. 1.0: the task cannot be
    done by writing. 0.5: it asks for something of this place, this day or a file, which can at best
    be guessed.

    Args:
        rows: frame with `instruction`.

    Returns:
        Float64: 0.0, 0.5 or 1.0, never null.

    Source:
        The hallucination and image issues of https://github.com/gururise/AlpacaDataCleaned, and
        Self-Instruct's word filter (image, graph, file ...), https://arxiv.org/abs/2212.10560.
        Differs: phrases instead of single words; German.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Draw a cat.", "Write a poem about a drawing."]})
        >>> needs_tools(rows).to_list()
        [1.0, 0.0]
    """
    needs = find_need("instruction").is_not_null()
    score = pl.when(needs).then(1.0).when(_may_need("instruction")).then(0.5).otherwise(0.0)
    return measure(rows, "needs_tools", score)
