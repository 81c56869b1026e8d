import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.conversations.markdown import (
    UnreadableHtmlError,
    html_to_markdown,
    is_rendered,
    unescape_plain,
)

PAGE = '<div class="markdown prose w-full break-words dark:prose-invert light">'


def block(language: str, code: str) -> str:
    """Code as a chat page shows it."""
    return (
        f'<pre><div class="bg-black"><div class="flex items-center"><span>{language}</span>'
        '<button class="flex"><svg viewBox="0 0 24 24"><path d="M1"></path></svg>Copy code'
        f'</button></div><div class="p-4"><code class="hljs language-{language}">{code}'
        "</code></div></div></pre>"
    )


@pytest.mark.parametrize(
    ("text", "role"),
    [
        (f"{PAGE}<p>Yes.</p></div>", "assistant"),
        (f"{PAGE}<p>Yes.</p></div>", "user"),
        (f"{PAGE}<p>Yes.</p></div>Copy8 chars / 3 words", "assistant"),
        ("<p>One.</p>\n<ol><li>Two.</li></ol>", "assistant"),
        ('<div class="whitespace-pre-wrap">a\nb</div>', "user"),
        (f'<div class="flex"><span>Used X</span></div>{PAGE}<p>Yes.</p></div>', "assistant"),
    ],
)
def test_a_rendered_turn_is_told(text: str, role: str) -> None:
    assert is_rendered(text, role=role)


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("", "assistant"),
        ("Yes.", "assistant"),
        ("<p>Why is this red?</p>", "user"),
        ("Why is <p>this</p> red?", "assistant"),
        ("<p>One.</p> and more text <p>Two.</p>", "assistant"),
        ("<!DOCTYPE html><html><body><p>Hi</p></body></html>", "assistant"),
        ("<div id='menu'><a href='/'>Home</a></div>", "assistant"),
        ("<form><input></form>", "assistant"),
        ("<p>never closed", "assistant"),
        ("1 < 2 and <3", "assistant"),
    ],
)
def test_a_turn_about_html_is_none(text: str, role: str) -> None:
    assert not is_rendered(text, role=role)


def test_code_keeps_every_character_and_its_language() -> None:
    code = (
        '<span class="hljs-keyword">if</span> a &lt; b &amp;&amp; c:\n'
        "\tx_1 = '*y*'  # **no** _emphasis_\n\n\n    return x_1\n"
    )
    assert html_to_markdown(f"{PAGE}<p>So:</p>{block('python', code)}<p>Done.</p></div>") == (
        "So:\n\n```python\nif a < b && c:\n\tx_1 = '*y*'  # **no** _emphasis_\n\n\n"
        "    return x_1\n```\n\nDone."
    )


def test_the_header_names_the_language_where_no_class_does() -> None:
    html = "<pre><div><span>SQL</span><button>Copy code</button></div><code>SELECT 1</code></pre>"
    assert html_to_markdown(html) == "```sql\nSELECT 1\n```"


def test_code_that_holds_a_fence_gets_a_longer_one() -> None:
    assert html_to_markdown("<pre><code>```\nx\n```</code></pre>") == "````\n```\nx\n```\n````"


def test_code_in_a_list_stays_in_it() -> None:
    html = f"<ol><li><p>First:</p>{block('bash', 'ls')}</li><li>Then.</li></ol>"
    assert html_to_markdown(html) == "1. First:\n\n   ```bash\n   ls\n   ```\n2. Then."


def test_a_list_that_goes_on_keeps_its_number() -> None:
    html = "<ol><li>One.</li></ol><p>Between.</p><ol start='2'><li>Two.</li></ol>"
    assert html_to_markdown(html) == "1. One.\n\nBetween.\n\n2. Two."


@pytest.mark.parametrize(
    ("start", "number"), [("7", 7), ("²", 1), ("9" * 30, 1), ("-1", 1), ("", 1)]
)
def test_a_list_begins_with_a_number(start: str, number: int) -> None:
    html = f"<ol start='{start}'><li>a<ol><li>b</li></ol></li><li>c<p>d</p></li></ol>"
    assert html_to_markdown(html).split("\n") == [
        f"{number}. a",
        "   1. b",
        f"{number + 1}. c",
        "",
        "   d",
    ]


def test_text_is_not_escaped() -> None:
    html = "<p>snake_case * 2 and <em>one</em> <strong>two</strong> [x] #1</p>"
    assert html_to_markdown(html) == "snake_case * 2 and *one* **two** [x] #1"


@pytest.mark.parametrize(("kind", "fence"), [("inline", "$"), ("display", "$$")])
def test_formulas_become_tex_once(kind: str, fence: str) -> None:
    katex = (
        f'<span class="math math-{kind}"><span class="katex"><span class="katex-mathml"><math>'
        "<semantics><mrow><mi>a</mi></mrow>"
        '<annotation encoding="application/x-tex">a_1^2 &lt; b</annotation></semantics></math>'
        '</span><span class="katex-html" aria-hidden="true">a12&lt;b</span></span></span>'
    )
    assert html_to_markdown(f"<p>It is {katex}, of course.</p>") == (
        f"It is {fence}a_1^2 < b{fence}, of course."
    )


def test_a_table_stays_a_table() -> None:
    html = (
        "<table><thead><tr><th>a</th><th>b</th></tr></thead>"
        "<tbody><tr><td>1</td><td>2</td></tr></tbody></table>"
    )
    assert html_to_markdown(html).split("\n") == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]


def test_what_a_page_is_made_of_goes() -> None:
    page = "<style>p {}</style><p>Yes.</p><script>alert(1)</script><button>Like</button>"
    html = f"{PAGE}{page}</div>"
    assert html_to_markdown(html) == "Yes."


def test_plain_text_in_a_wrapper_keeps_its_lines() -> None:
    html = '<div class="whitespace-pre-wrap">one\n  two &lt;b&gt;\n\n\nthree</div>'
    assert html_to_markdown(html) == "one\n  two <b>\n\n\nthree"


@pytest.mark.parametrize(
    "html",
    [
        "<blockquote>" * 3000 + "x" + "</blockquote>" * 3000,
        "<p><![foo[ x]]></p>",
        "<pre>" * 3000 + "x",
    ],
    ids=["deep", "rejected", "open"],
)
def test_what_no_parser_takes_is_an_error_that_says_so(html: str) -> None:
    assert isinstance(is_rendered(html, role="assistant"), bool)
    with pytest.raises(UnreadableHtmlError):
        html_to_markdown(html)


def test_entities_go_only_where_everything_was_escaped() -> None:
    assert unescape_plain("a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;") == "a <b> & \"c\" 'd'"
    assert unescape_plain("What does &nbsp; do?") == "What does &nbsp; do?"
    assert unescape_plain("<p> &amp;") == "<p> &amp;"


PIECES = st.sampled_from(
    [
        "<p>", "</p>", "<pre>", "</pre>", "<code class='language-x'>", "</code>", "<ol start='3'>",
        "<li>", "</ol>", "<![", "<!--", "<?", "&#0;", "&lt", "<td colspan=9>", "<a href=x>", "a",
        "<annotation encoding='application/x-tex'>", "<div class='prose'>", "</div>", "`", "\n",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_page_is_converted_or_refused(html: str) -> None:
    try:
        text = html_to_markdown(html) if is_rendered(html, role="assistant") else ""
    except UnreadableHtmlError:
        return
    assert isinstance(text, str)
