import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.conversations.fences import collapse_blank_lines, mark_code, repair_fences

FIXED = "So:\n```python\nprint(1)\n```\nDone."


@pytest.mark.parametrize(
    "broken",
    [
        "So:\n```pythonCopy codeprint(1)\n```\nDone.",
        "So:\n```python Copy code\nprint(1)\n```\nDone.",
        "So:\n```\npythonCopy codeprint(1)\n```\nDone.",
        "So:\n```\npythonCopy codeprint(1)```\nDone.",
        "So:\n```\npython\nCopy code\nprint(1)\n```\nDone.",
        "So:\n```python\nCopy code\nprint(1)\n```\nDone.",
        "So:\n```pythonCopy codeCopy codeprint(1)\n```\nDone.",
        "So:\n```pythonCopy codeprint(1)```\nDone.",
    ],
)
def test_headers_leave_the_code(broken: str) -> None:
    assert repair_fences(broken) == FIXED


@pytest.mark.parametrize(
    "text",
    [
        "",
        FIXED,
        "Press the button Copy code to copy it.",
        '```html\n<button class="x">Copy code</button>\n```',
        "```js\nlet a = 1;\nlabel.textContent = 'Copy code';\n```",
        "```\nunclosed\ncode",
        "Use `Copy code` here, ```and``` there. Copy code.",
    ],
)
def test_what_is_not_broken_stays(text: str) -> None:
    assert repair_fences(text) == text


def test_blocks_do_not_pair_across_each_other() -> None:
    text = "```bashCopy codels\n```\ntext\n```\nplain\n```\nmore\n```cCopy codeint x;\n```"
    assert repair_fences(text) == (
        "```bash\nls\n```\ntext\n```\nplain\n```\nmore\n```c\nint x;\n```"
    )


def test_an_empty_block_goes() -> None:
    assert repair_fences("a\n```\nCopy code\n```\nb") == "a\nb"


def test_an_open_fence_stays_open() -> None:
    assert repair_fences("```pythonCopy codeprint(1)\nprint(2)") == "```python\nprint(1)\nprint(2)"


def test_indentation_of_a_block_in_a_list_stays() -> None:
    assert repair_fences("1. a\n   ```bashCopy codels\n   ```") == "1. a\n   ```bash\nls\n   ```"


@given(st.text(alphabet="`ab \n", max_size=60))
def test_text_without_the_label_never_changes(text: str) -> None:
    assert repair_fences(text) == text


@given(st.lists(st.sampled_from(["```", "```x", "Copy code", "yCopy codez", "a b", "", "  c d"])))
def test_no_other_line_is_lost(lines: list[str]) -> None:
    once = repair_fences("\n".join(lines))
    assert [line for line in once.split("\n") if line in ("a b", "  c d")] == [
        line for line in lines if line in ("a b", "  c d")
    ]


@given(st.text(alphabet="`a\n ", max_size=60))
def test_marking_and_collapsing_lose_no_words(text: str) -> None:
    assert "\n".join(line.text for line in mark_code(text)) == text
    assert collapse_blank_lines(text).split() == text.split()
