"""Small Python tasks: functions of ours make the hidden tests, of arguments that stand here."""

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from flows.generators.verifiable import functions
from flows.generators.verifiable.draws import Draw
from quality.verifiers.values import encode

_ASKS: Final = (
    "Write a Python function `{signature}` that {task}.",
    "Implement `{signature}` in Python. It {task}.",
    "Give me a Python function {name} that {task}. Its signature is `{signature}`.",
)


_TEXTS: Final = [
    ("The quick brown fox",), ("",), ("Level",), ("A man, a plan, a canal: Panama",), ("aabbccdd",),
    ("one  two one",), ("Zebra zone zzz",),
]  # fmt: skip
_LISTS: Final = [([3, 1, 2, 3],), ([],), ([5],), ([4, 4, 2, 2, -6],), ([10, -3, 0, 7, 8],)]
_WHOLE: Final = [(0,), (1,), (2,), (7,), (12,), (97,)]

#: Kind to its functions and the arguments of their tests.
PROGRAMS: Final[Mapping[str, Sequence[tuple[Callable[..., Any], Sequence[tuple[Any, ...]]]]]] = (
    MappingProxyType({
        "numbers": [
            (functions.sum_of_digits, [(0,), (7,), (123,), (-45,), (9009,)]),
            (functions.is_prime, [*_WHOLE, (91,), (9,), (-7,)]),
            (functions.factorial, [(0,), (1,), (5,), (20,)]),
            (functions.fibonacci, [(0,), (1,), (2,), (10,), (30,)]),
            (functions.greatest_common_divisor, [(12, 18), (7, 13), (100, 10), (81, 27)]),
            (functions.is_leap_year, [(2024,), (1900,), (2000,), (2023,), (2100,)]),
            (functions.to_binary, _WHOLE),
            (functions.divisors, [(1,), (12,), (13,), (36,)]),
            (functions.clamp, [(5, 1, 10), (-5, 1, 10), (50, 1, 10), (3, 3, 3)]),
            (functions.seconds_to_clock, [(0,), (59,), (60,), (3723,), (86399,)]),
        ],
        "texts": [
            (functions.count_vowels, _TEXTS),
            (functions.reverse_words, _TEXTS),
            (functions.is_palindrome, _TEXTS),
            (functions.longest_word, _TEXTS),
            (functions.initials, [("Ada Lovelace",), ("grace brewster murray hopper",), ("",)]),
            (functions.count_words, _TEXTS),
            (functions.shift_letters, [("abc", 1), ("xyz", 3), ("Hello, you!", 13), ("", 5)]),
            (functions.remove_repeats, [*_TEXTS, ("bookkeeper",)]),
            (functions.capitalise_words, [("the old house",), ("a",), ("",), ("iPhone users",)]),
            (functions.is_anagram, [("Listen", "silent"), ("aab", "abb"), ("", ""), ("ab", "abc")]),
        ],
        "lists": [
            (functions.only_even, _LISTS),
            (functions.second_largest, _LISTS),
            (functions.without_repeats, _LISTS),
            (functions.running_totals, _LISTS),
            (functions.flatten, [([[1], [2, 3]],), ([],), ([[], [4]],)]),
            (functions.in_chunks, [([1, 2, 3, 4, 5], 2), ([], 3), ([1, 2], 5), ([1, 2, 3], 1)]),
            (functions.rotate, [([1, 2, 3, 4], 1), ([1, 2, 3], 5), ([], 2), ([7], 3), ([1, 2], 0)]),
            (functions.common_items, [([1, 2, 2, 3], [3, 2]), ([], [1]), ([5, 4], [4, 5])]),
            (functions.most_common, [*_LISTS, ([2, 1, 2, 1],)]),
            (functions.transpose, [([[1, 2], [3, 4]],), ([[1, 2, 3]],), ([],)]),
        ],
    })
)  # fmt: skip


def make_program(draw: Draw, kind: str, language: str) -> tuple[str, dict[str, Any]]:  # noqa: ARG001  English only
    """Return a programming task and its check with the hidden tests.

    Args:
        draw: chance.
        kind: one of PROGRAMS.
        language: en.
    """
    function, given = draw.one_of(PROGRAMS[kind])
    name = function.__name__
    signature = f"{name}{inspect.signature(function)}"
    said = (function.__doc__ or "").rstrip(".")
    task = said[:1].lower() + said[1:]
    ask = draw.one_of(_ASKS).format(name=name, signature=signature, task=task)
    return ask, {"kind": "python", "function": name, "cases": list_cases(function, given)}


def list_cases(
    function: Callable[..., Any], given: Sequence[tuple[Any, ...]]
) -> list[dict[str, Any]]:
    """Return what a function of ours returns for some arguments, as the cases of a check."""
    return [
        {"args": encode(list(args)), "expected": encode(function(*copy.deepcopy(args)))}
        for args in given
    ]
