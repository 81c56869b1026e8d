"""A program passes by its values alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.sandbox import check as module
from flows.sandbox.check import check_program, extract_code
from flows.sandbox.run import RunResult, find_obstacle
from quality.verifiers.values import encode, is_same

needs_sandbox = pytest.mark.skipif(find_obstacle() is not None, reason=str(find_obstacle()))

CHECK = {
    "kind": "python",
    "function": "double",
    "cases": [{"args": [2], "expected": 4}, {"args": ["ab"], "expected": "abab"}],
}
RIGHT = "def double(x):\n    return x * 2"


@needs_sandbox
@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        (RIGHT, True),
        (f"Sure, here it is:\n```python\n{RIGHT}\n```\nIt doubles.", True),
        (f"```\ndef double(x): return 0\n```\nBetter:\n```py\n{RIGHT}\n```", True),
        (f"```python\n{RIGHT}", True),
        ("def double(x):\n    return x + x + 0", False),  # "ab" + 0
        ("def double(x):\n    return 4", False),
        ("def double(x):\n    print(x * 2)", False),
        ("I cannot do that.", False),
        ("", False),
        ("def doubles(x):\n    return x * 2", False),
        ("import os\ndef double(x):\n    os._exit(0)", False),
        ("import os\nos.write(1, b'{\"calls\": [{\"value\": true}, {\"value\": true}]}')\n"
         "os._exit(0)\ndef double(x): pass", False),
        ("class Any:\n    def __eq__(self, other): return True\ndef double(x):\n    return Any()",
         False),
        ("import json\njson.dumps = lambda *a, **k: '{}'\ndef double(x):\n    return 1", False),
        ("import builtins\nbuiltins.isinstance = lambda *a: True\ndef double(x):\n    return True",
         False),
        ("import sys\nfor m in list(sys.modules):\n    del sys.modules[m]\n"
         "def double(x):\n    return None", False),
        ("def double(x):\n    while True: pass", False),
    ],
)  # fmt: skip
def test_only_right_values_pass(answer: str, passed: bool) -> None:
    assert check_program(CHECK, answer).passed is passed


@needs_sandbox
def test_the_first_wrong_case_is_the_evidence() -> None:
    found = check_program(CHECK, "def double(x):\n    return x")
    assert found.detail == "double(2): expected 4, got 2"


@pytest.mark.parametrize(
    "check",
    [{}, {"function": "f"}, {"function": "f()", "cases": [{"args": [], "expected": 1}]},
     {"function": "f", "cases": []}, {"function": "f", "cases": [{"args": 1, "expected": 1}]},
     {"function": "f", "cases": [{"args": []}]}],
)  # fmt: skip
def test_a_check_that_is_none_abstains(check: dict[str, Any]) -> None:
    assert check_program(check, "def f(): return 1").passed is None


def test_a_slow_machine_is_no_wrong_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "run_program", lambda *rest: RunResult("overdue"))
    assert check_program(CHECK, RIGHT).passed is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES, VALUES)
def test_values_are_the_same_where_python_and_their_types_say_so(one: Any, other: Any) -> None:
    assert is_same(encode(one), encode(one))
    if is_same(encode(one), encode(other)):
        assert one == other


@given(st.text(max_size=80))
def test_no_answer_is_too_odd_to_look_for_code(answer: str) -> None:
    found = extract_code(answer, "f")
    assert found is None or "def f" in found
