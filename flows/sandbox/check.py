"""Verifies answers that are programs: their function is called, its values are compared here."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.sandbox.run import Limits, RunResult, run_program

_FENCED = re.compile(r"```[ \t]*(?:python3?|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_FIRST_LINE = re.compile(r"^(?:def |import |from \w|@|class |async def )", re.MULTILINE)
_TOLERANCE = 1e-9  # relative and absolute, where a float is expected
_SHOWN = 120  # characters of a value in evidence
_MOST_CALLS = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a program passes.

    Attributes:
        passed: null where it cannot be told: the check is none, or the machine was too slow.
        detail: what failed, one line; untrusted.
    """

    passed: bool | None
    detail: str = ""


def check_program(check: Mapping[str, Any], answer: str, limits: Limits | None = None) -> Verdict:
    """Run the program in an answer on the cases of a check.

    Args:
        check: `{"kind": "python", "function": ..., "cases": [{"args": [...], "expected": ...}]}`;
            values are JSON, a tuple is `{"tuple": [...]}`, a dictionary `{"dict": [[key, value]]}`.
        answer: text with a fenced block, or code alone; untrusted.
        limits: null for the usual ones.

    Raises:
        OSError: if programs cannot be run here.

    Source:
        Chen et al. 2021 (HumanEval), https://arxiv.org/abs/2107.03374, runs hidden tests. Differs:
        values are compared outside of the process that computes them, so that ending it early or
        forging its report passes nothing.
    """
    function, cases = check.get("function"), _read_cases(check.get("cases"))
    if not isinstance(function, str) or not function.isidentifier() or not cases:
        return Verdict(None, "the check names no function and cases")
    code = extract_code(answer, function)
    if code is None:
        return Verdict(passed=False, detail=f"no definition of {function}")
    done = run_program(code, function, [case["args"] for case in cases], limits)
    if done.outcome == "overdue":
        return Verdict(None, "the clock ran out before its processor time")
    if done.outcome != "ran":
        return Verdict(passed=False, detail=f"{done.outcome}: {done.detail}".rstrip(": "))
    return _compare(function, cases, done)


def extract_code(answer: str, function: str) -> str | None:
    r"""Return the program of an answer that defines a function, null where there is none.

    Args:
        answer: untrusted.
        function: the name.

    Example:
        >>> extract_code("Sure:\n```python\ndef f():\n    return 1\n```\nDone.", "f")
        'def f():\n    return 1\n'
    """
    defines = re.compile(rf"^(?:async )?def {re.escape(function)}\s*\(", re.MULTILINE)
    blocks = [block for block in _FENCED.findall(answer) if defines.search(block)]
    if blocks:
        return str(blocks[-1])
    if defines.search(answer) is None:
        return None
    start = _FIRST_LINE.search(answer)
    return answer[start.start() :] if start else answer


def encode(value: Any) -> Any:  # noqa: ANN401  any value of a task
    """Return a value as a check holds it.

    Example:
        >>> encode((1, {"a": [2]}))
        {'tuple': [1, {'dict': [['a', [2]]]}]}
    """
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    return [encode(item) for item in value] if isinstance(value, list) else value


def _read_cases(cases: object) -> list[dict[str, Any]]:
    """Return the cases of a check, none where one of them is no case."""
    if not isinstance(cases, list) or len(cases) > _MOST_CALLS:
        return []
    are_all = all(
        isinstance(case, dict) and isinstance(case.get("args"), list) and "expected" in case
        for case in cases
    )
    return cases if are_all else []


def _compare(function: str, cases: Sequence[Mapping[str, Any]], done: RunResult) -> Verdict:
    for case, call in zip(cases, done.calls, strict=True):
        if "value" in call and is_same(case["expected"], call["value"]):
            continue
        shown = ", ".join(repr(item) for item in case["args"])[:_SHOWN]
        got = call.get("value", call.get("error"))
        expected = repr(case["expected"])[:_SHOWN]
        detail = f"{function}({shown}): expected {expected}, got {repr(got)[:_SHOWN]}"
        return Verdict(passed=False, detail=detail)
    return Verdict(passed=True)


def is_same(expected: Any, got: Any) -> bool:  # noqa: ANN401  JSON values
    """Say whether two JSON values are equal; a Boolean is no number, floats may differ a little.

    Example:
        >>> [is_same(1, 1.0), is_same(True, 1), is_same(0.3, 0.1 + 0.2), is_same([1], [1, 2])]
        [True, False, True, False]
    """
    numbers = (int, float)
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, numbers) and isinstance(got, numbers):
        if isinstance(expected, int) and isinstance(got, int):
            return expected == got
        try:
            return math.isclose(expected, got, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        except OverflowError:
            return False
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(is_same, expected, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        if "dict" in expected and "dict" in got:
            return _is_same_mapping(expected["dict"], got["dict"])
        return expected.keys() == got.keys() and all(
            is_same(value, got[key]) for key, value in expected.items()
        )
    return type(expected) is type(got) and bool(expected == got)


def _is_same_mapping(expected: Any, got: Any) -> bool:  # noqa: ANN401  pairs, or not
    """Compare dictionaries without their order."""
    if not isinstance(expected, list) or not isinstance(got, list) or len(expected) != len(got):
        return False
    left = sorted(expected, key=repr)
    right = sorted(got, key=repr)
    return all(map(is_same, left, right))
