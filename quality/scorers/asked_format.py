"""Answers in the form that was asked for: JSON, XML, a table, code ..."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Final

import polars as pl

from quality.words import is_code

_FORMAT = r"(json|xml|csv|yaml|html|markdown table|table|tabelle|tabellenform)"
_ARTICLE = (
    r"(?:an?|valid|proper|simple|one|single|ein|eine|einem|einer|einen|gültiges?|markdown|html)"
)
#: "Return it as JSON", "in CSV format", "Create an HTML table", "gib es als Tabelle aus".
_ASKED = (
    rf"(?i)\b(?:in|as|to|into|using|im|als|ins?|in form) (?:{_ARTICLE} ){{0,2}}{_FORMAT}"
    r"(?:[- ](?:format|form|object|objekt|array|document|dokument|file|datei|string|table))?"
    r"(?: aus| dar)?\s*(?:[.,:;!?)\n]|$|\bwith\b|\band\b|\bmit\b|\bund\b|\bthat\b|\bof\b|\bfor\b)"
    rf"|^\W*(?:please |bitte )?(?:create|generate|make|write|produce|construct|build|erstelle|"
    rf"schreibe|generiere) (?:me )?(?:{_ARTICLE} ){{0,2}}{_FORMAT}\b(?:[- ](?:object|objekt|array|"
    r"document|dokument|file|datei|string))?"
)
#: Code is asked for by name of a language or of a piece of code.
_ASKED_CODE = (
    r"(?i)^\W*(?:please |bitte )?(?:write|create|implement|code|generate|provide|construct|build|"
    r"develop|give|show|schreibe?n?|erstelle?n?|implementiere)\b(?: me| mir)?(?: [\w'-]+){0,3}? "
    r"(?:(?:python|java|javascript|c\+\+|c#|ruby|php|perl|rust|golang|swift|kotlin|bash|shell|sql|"
    r"mysql|css|jquery|typescript)[- ](?:function|program|script|code|code snippet|query|class|"
    r"statement|method|snippet|funktion|programm|skript|klasse|abfrage|loop)"
    r"|code snippet|(?:function|program|script|code|programm) in (?:python|java|javascript|c\+\+|"
    r"c#|ruby|php|perl|rust|go|bash|sql)|stylesheet)\b"
)
#: What follows is spoken of, not asked for: how to read, parse or turn it into something else.
_ABOUT = (
    r"(?i)\b(?:explain|describe|difference|what (?:is|are|does)|how (?:to|do|does)|pars(?:e|es|"
    r"ing)|"
    r"periodic table|dining|dinner|kitchen|coffee|table of contents|reservation|tablespoon|"
    r"pivot table|time ?table|dimensions|wooden|furniture|tablecloth|chair|erkläre|was ist|"
    r"inhaltsverzeichnis|periodensystem|esstisch|table tennis|set(?:ting)? the table)\b"
)
_CODE_TASK = (
    r"(?i)\b(?:function|program|script|code|query|sql|database|class|api|funktion|programm)\b"
)
_FENCED = re.compile(r"```[\w+-]*[ \t]*\n(.*?)```", re.DOTALL)
_QUOTED_FIELD = re.compile(r"\"[^\"\n]*\"")
_TAG = re.compile(r"<(/?)([A-Za-z_][\w:.-]*)(?:\s[^<>]*?)?(/?)>")
_MARKUP = re.compile(r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>|<![^<>]*>", re.DOTALL)
_YAML_LINE = re.compile(r"^[ ]*(?:- |[\w\"' .-]+:(?: |$))", re.MULTILINE)
_PIPES = re.compile(r"^.*\S[ \t]*\|[ \t]*\S.*$", re.MULTILINE)
#: Two columns that a tab, several blanks, a colon or an equals sign keeps apart.
_COLUMNS = re.compile(r"^[ ]*\S.*?(?:\t| {2,}|: | = )[ \t]*\S.*$", re.MULTILINE)
_SHELL = r"[{}<>=$]|\w\(|(?m)^(?:#!|echo |cd |ls |grep |awk |sed )"


def asked_form(task: pl.Expr) -> pl.Expr:
    """Return the format that an instruction asks for, lower case; null where it names none."""
    words = task.fill_null("")
    named = pl.coalesce(words.str.extract(_ASKED, 1), words.str.extract(_ASKED, 2))
    form = named.str.to_lowercase().str.replace(r"^(?:markdown table|tabell\w+)$", "table")
    code = words.str.contains(_ASKED_CODE)
    plain = ~words.str.contains(_CODE_TASK) & ~words.str.contains(_ABOUT)
    return pl.when(code).then(pl.lit("code")).when(plain).then(form)


def is_json(text: str) -> bool:
    """Say whether a text is JSON, or holds one JSON object or array among prose."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    ends = max(text.rfind("}"), text.rfind("]"))
    if not starts or ends < min(starts):
        return False
    try:
        json.loads(text[min(starts) : ends + 1], parse_int=str, parse_float=str, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def is_xml(text: str) -> bool:
    """Say whether a text holds elements and every one that opens is closed, in order."""
    opened: list[str] = []
    seen = False
    for match in _TAG.finditer(_MARKUP.sub("", text)):
        closes, name, alone = match.groups()
        seen = True
        if closes:
            if not opened or opened.pop() != name:
                return False
        elif not alone:
            opened.append(name)
    return seen and not opened


def is_csv(text: str) -> bool:
    """Say whether two thirds of a text's lines have the same number of fields, two or more."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    bare = [_QUOTED_FIELD.sub("", line) for line in lines]
    for sign in ",;\t|":
        widths = Counter(line.count(sign) + 1 for line in bare)
        usual, lines_of_it = max(widths.items(), key=lambda item: item[::-1], default=(0, 0))
        if usual > 1 and len(bare) - lines_of_it <= len(bare) // 3:
            return True
    return False


def is_table(text: str) -> bool:
    """Say whether at least two lines of a text have columns, or it is an HTML table."""
    columns = max(len(_PIPES.findall(text)), len(_COLUMNS.findall(text)))
    return columns > 1 or "<table" in text.lower() or is_csv(text)


def _has_tags(text: str) -> bool:
    return "<!--" in text or _TAG.search(text) is not None


def _is_yaml(text: str) -> bool:
    return _YAML_LINE.search(text) is not None and "\t-" not in text


_TESTS: Final[dict[str, Callable[[str], bool]]] = {
    "json": is_json,
    "xml": is_xml,
    "csv": is_csv,
    "yaml": _is_yaml,
    "html": _has_tags,
    "table": is_table,
}


def asked_format(rows: pl.DataFrame) -> pl.Series:
    r"""Say whether the output has the format that the instruction asks for, and is well-formed.

    JSON must parse, XML must nest, CSV must have even lines, YAML keys, HTML tags; a table needs
    two lines with columns, code at least one line in its shape. A fenced block is read alone.

    Args:
        rows: frame with `instruction` and `output`.

    Returns:
        Float64: 1.0 it has, 0.0 it has not; null where no format is asked for, where the task is
        to write a program about one, and for an empty output.

    Source:
        Zhou et al. 2023 (IFEval), https://arxiv.org/abs/2311.07911, "JSON format". Differs: the
        format is read from free text, English or German; more formats.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["List two birds as JSON."] * 3,
        ...     "output": ['["owl", "wren"]', "owl, wren", ""]})
        >>> asked_format(rows).to_list()
        [1.0, 0.0, None]
    """
    known = rows.select(
        pl.col("output").fill_null(""),
        form=asked_form(pl.col("instruction")),
        code=is_code(pl.col("output")) | pl.col("output").fill_null("").str.contains(_SHELL),
    )
    scores = [
        None if form is None or not output.strip() else float(_has_form(output, form, code=code))
        for output, form, code in known.iter_rows()
    ]
    return pl.Series("asked_format", scores, dtype=pl.Float64)


def _has_form(output: str, form: str, *, code: bool) -> bool:
    if form == "code":
        return code
    blocks = _FENCED.findall(output) or [output]
    return any(_TESTS[form](block) for block in blocks)
