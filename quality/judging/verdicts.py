"""Reads a judge's reply, strictly: a whole verdict, or an abstention with its reason.

Nothing is guessed: no number is fished out of prose, no missing dimension filled in, no half
object completed, and a verdict that the judged text holds itself is none.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from quality.judging.rubrics import SCALE
from schemas.records import TeacherReply

Why = Literal[
    "no_reply",
    "refused",
    "cut",
    "not_json",
    "contradictory",
    "wrong_fields",
    "out_of_range",
    "no_reasons",
    "quoted",
]
#: Why a judge abstains, for people.
WHY: Final[dict[Why, str]] = {
    "no_reply": "the request failed",
    "refused": "the judge refused",
    "cut": "the token limit cut the verdict",
    "not_json": "the reply is no JSON object, or not only one",
    "contradictory": "the reply holds several verdicts",
    "wrong_fields": "a field is missing, too many, or of another type",
    "out_of_range": "a value is not on the scale",
    "no_reasons": "there are no reasons",
    "quoted": "the judged text holds this very verdict",
}
Better = Literal["first", "second", "tie"]
BETTER: Final[tuple[Better, ...]] = ("first", "second", "tie")

_THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_CODE_FENCE = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n[ \t]*```\Z", re.DOTALL | re.IGNORECASE)
_REFUSAL = re.compile(
    r"\A(?:i['’]?m (?:very )?sorry|sorry|i apologi[sz]e|i (?:can ?not|can['’]t|will not|won['’]t)"
    r"|as an ai|es tut mir leid|ich kann (?:das |hier)?(?:leider )?nicht)\b",
    re.IGNORECASE,
)
_ESCAPED_SIGN = re.compile(r"\\+u([0-9a-f]{4})", re.IGNORECASE)
_ESCAPE = re.compile(r"\\+[nrtbf\"'/\\]")
_NO_WORD = re.compile(r"[\W_]+")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Rating:
    """A whole verdict on one answer.

    Attributes:
        scores: dimension to 1..5, every dimension that was asked for.
        reasons: what the judge gave before them; text of the judge, to be escaped where shown.
    """

    scores: Mapping[str, int]
    reasons: str


@dataclass(frozen=True, slots=True)
class Preference:
    """A whole verdict on two answers; `reasons` as in `Rating`."""

    better: Better
    reasons: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """A whole verdict on several answers: their labels, the best first; `reasons` as above."""

    order: tuple[str, ...]
    reasons: str


@dataclass(frozen=True, slots=True)
class Abstention:
    """No verdict, and why; `detail` is what the server said, untrusted."""

    why: Why
    detail: str = ""


def read_rating(
    text: str, *, dimensions: Sequence[str], judged: Sequence[str], mark: str
) -> Rating | Abstention:
    """Read the reply to a request for ratings.

    Args:
        text: the reply, whole.
        dimensions: every one that must be rated, and no other.
        judged: the texts that were shown to the judge.
        mark: that stood between them; repeating it gives no reason.

    Returns:
        A rating only if the reply is one JSON object of reasons and whole numbers 1..5 for exactly
        these dimensions. A `<think>` block before it and a code fence around it may be there.

    Example:
        >>> read_rating('{"reasons": "Wrong river.", "scores": {"accuracy": 1}}',
        ...     dimensions=["accuracy"], judged=["The Rhine."], mark="f00d")
        Rating(scores={'accuracy': 1}, reasons='Wrong river.')
        >>> read_rating("Accuracy: 5/5", dimensions=["accuracy"], judged=[], mark="f00d")
        Abstention(why='not_json', detail='')
    """
    found = _read_object(text)
    if isinstance(found, Abstention):
        return found
    scores = found.get("scores")
    if set(found) != {"reasons", "scores"} or not isinstance(scores, dict):
        return Abstention("wrong_fields")
    if set(scores) != set(dimensions) or not all(map(_is_whole, scores.values())):
        return Abstention("wrong_fields")
    if not all(score in SCALE for score in scores.values()):
        return Abstention("out_of_range")
    problem = _doubt(found["reasons"], scores, judged, mark)
    if problem is not None:
        return problem
    return Rating({name: scores[name] for name in dimensions}, found["reasons"].strip())


def read_preference(text: str, *, judged: Sequence[str], mark: str) -> Preference | Abstention:
    """Read the reply to a request for the better of two answers; see `read_rating`.

    Example:
        >>> read_preference('{"reasons": "Both are right.", "better": "tie"}', judged=[], mark="f0")
        Preference(better='tie', reasons='Both are right.')
    """
    found = _read_object(text)
    if isinstance(found, Abstention):
        return found
    better = found.get("better")
    if set(found) != {"reasons", "better"} or not isinstance(better, str):
        return Abstention("wrong_fields")
    if better not in BETTER:
        return Abstention("out_of_range")
    problem = _doubt(found["reasons"], {"better": better}, judged, mark)
    if problem is not None:
        return problem
    return Preference(better, found["reasons"].strip())


def read_ranking(
    text: str, *, labels: Sequence[str], judged: Sequence[str], mark: str
) -> Ranking | Abstention:
    """Read the reply to a request for a ranking of all of `labels`; see `read_rating`.

    Example:
        >>> read_ranking('{"reasons": "B is right.", "ranking": ["B", "A"]}',
        ...     labels=["A", "B"], judged=[], mark="f0")
        Ranking(order=('B', 'A'), reasons='B is right.')
    """
    found = _read_object(text)
    if isinstance(found, Abstention):
        return found
    order = found.get("ranking")
    if set(found) != {"reasons", "ranking"} or not isinstance(order, list):
        return Abstention("wrong_fields")
    if not all(isinstance(label, str) for label in order) or sorted(order) != sorted(labels):
        return Abstention("out_of_range")
    problem = _doubt(found["reasons"], {"ranking": "".join(order)}, judged, mark)
    return problem or Ranking(tuple(order), found["reasons"].strip())


def failure_of(reply: TeacherReply) -> Abstention | None:
    """Say why a reply holds no whole verdict before it is read; null where it may."""
    if reply.error is not None:
        was_refused = reply.error.startswith(("refused", "stopped by"))
        return Abstention("refused" if was_refused else "no_reply", reply.error)
    return Abstention("cut") if reply.finish_reason == "length" else None


class _DoubledFieldError(ValueError):
    """A field that an object has twice: which one counts is anybody's guess."""


def _read_object(text: str) -> dict[str, Any] | Abstention:
    """Return the one object that a reply is."""
    rest = _THOUGHTS.sub("", text, count=1).strip()
    fenced = _CODE_FENCE.match(rest)
    rest = fenced[1].strip() if fenced else rest
    decoder = json.JSONDecoder(object_pairs_hook=_require_single)
    try:
        found, end = decoder.raw_decode(rest)
    except _DoubledFieldError:
        return Abstention("contradictory")
    except (ValueError, RecursionError):
        return Abstention("refused" if _REFUSAL.match(rest) else "not_json")
    if not isinstance(found, dict):
        return Abstention("not_json")
    if rest[end:].strip():
        return Abstention("contradictory" if "{" in rest[end:] else "not_json")
    return found


def _require_single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DoubledFieldError
    return found


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _doubt(
    reasons: object, answers: Mapping[str, object], judged: Sequence[str], mark: str
) -> Abstention | None:
    """Say why a well-formed verdict does not count."""
    if not isinstance(reasons, str):
        return Abstention("wrong_fields")
    if not _LETTER.search(reasons.replace(mark, "")):
        return Abstention("no_reasons")
    held = "".join(_letters(text) for text in judged)
    # Both must be there: a row that only lists every possible score could silence its judge.
    is_held = _letters(reasons) in held and all(
        f"{_letters(name)}{_letters(str(answer))}" in held for name, answer in answers.items()
    )
    return Abstention("quoted") if is_held else None


def _letters(text: str) -> str:
    """Letters and digits alone, so that quoting, escaping and layout make no difference."""
    signs = _ESCAPED_SIGN.sub(lambda found: chr(int(found[1], 16)), text)
    # JSON escapes what is beyond 16 bits in halves.
    whole = signs.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _NO_WORD.sub("", _ESCAPE.sub("", whole)).casefold()
