"""Verifiers: each says whether an answer passes one kind of check; null where it cannot tell.

A check is plain JSON, so it travels with a row (`about.check`) and whoever trains on the row can
verify other answers to the same task. Every check has a `kind`, one of `VERIFIERS`; the other keys
are its parameters. They are untrusted: a check that is none abstains.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from quality.verifiers.bullets import bullets
from quality.verifiers.case import lower_case, upper_case
from quality.verifiers.edges import ends_with, starts_with
from quality.verifiers.in_language import in_language
from quality.verifiers.json_keys import json_keys
from quality.verifiers.no_commas import no_commas
from quality.verifiers.number import number
from quality.verifiers.parameters import BadCheckError
from quality.verifiers.size import paragraphs, sentences, words
from quality.verifiers.title import title
from quality.verifiers.vocabulary import contains, contains_not

Check: TypeAlias = Mapping[str, Any]
Verifier: TypeAlias = Callable[[Check, str], bool | None]

#: Value of `kind` to the verifier.
VERIFIERS: Final[Mapping[str, Verifier]] = MappingProxyType(
    {
        "number": number,
        "words": words,
        "sentences": sentences,
        "paragraphs": paragraphs,
        "bullets": bullets,
        "contains": contains,
        "contains_not": contains_not,
        "lower_case": lower_case,
        "upper_case": upper_case,
        "json_keys": json_keys,
        "starts_with": starts_with,
        "ends_with": ends_with,
        "title": title,
        "no_commas": no_commas,
        "in_language": in_language,
    }
)
#: Kinds that need more than a pure function: here they abstain, `flows.sandbox` runs them.
RUN_KINDS: Final[frozenset[str]] = frozenset({"python"})

_MAX_CHECKS = 50


def verify(check: Check, answer: str) -> bool | None:
    """Say whether an answer passes a check.

    Args:
        check: `{"kind": ..., parameters}`, or `{"kind": "all", "checks": [...]}`, which fails
            where one fails and else abstains where one does.
        answer: the whole answer; one without a visible character passes nothing.

    Returns:
        True: right, False: wrong; null: it cannot be told, or the check is none.

    Example:
        >>> check = {"kind": "number", "expected": "12"}
        >>> [verify(check, text) for text in ("It is 12.", "It is 21.", "Many.")]
        [True, False, None]
    """
    if not isinstance(check, Mapping):
        return None
    if check.get("kind") == "all":
        return _verify_all(check.get("checks"), answer)
    verifier = VERIFIERS.get(str(check.get("kind")))
    if verifier is None:
        return None
    if not answer.strip():
        return False
    try:
        return verifier(check, answer)
    except BadCheckError:
        return None


def _verify_all(checks: object, answer: str) -> bool | None:
    if not isinstance(checks, list) or not 1 <= len(checks) <= _MAX_CHECKS:
        return None
    if any(isinstance(item, Mapping) and item.get("kind") == "all" for item in checks):
        return None  # one level is enough, and ends
    found = [verify(item, answer) for item in checks]
    if False in found:
        return False
    return None if None in found else True
