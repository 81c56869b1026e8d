"""Verifies answers that are programs: their function is called, its values are compared here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.sandbox.run import Limits, RunResult, run_program
from quality.verifiers.values import is_same

_FENCED = re.compile(r"```[ \t]*(?:python3?|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_FIRST_LINE = re.compile(r"^(?:def |import |from \w|@|class |async def )", re.MULTILINE)
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
