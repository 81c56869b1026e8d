import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.conversations.cleaning import Fault, clean_conversation
from quality.text import normalise_text
from schemas.recipe import ConversationOptions

ALL = ConversationOptions()
PAGE = '<div class="markdown prose">'


def talk(*contents: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(contents)]


def texts(*contents: str, options: ConversationOptions = ALL) -> list[str]:
    return [turn.content for turn in clean_conversation(talk(*contents), options).turns]


def fault(*contents: str, options: ConversationOptions = ALL) -> Fault | None:
    return clean_conversation(talk(*contents), options).fault


def test_a_clean_conversation_stays_as_it_is() -> None:
    found = clean_conversation(talk("Why?", "So.", "And?", "So, too."), ALL)
    assert (found.changed, found.fault) == ({}, None)
    assert [turn.place for turn in found.turns] == [0, 1, 2, 3]


def test_steps_are_counted() -> None:
    found = clean_conversation(
        [
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": "Is 1 &lt; 2?"},
            {"role": "assistant", "content": f"1 / 1{PAGE}<p>Yes.</p></div>"},
            {"role": "user", "content": "Show code."},
            {"role": "assistant", "content": "```cCopy codeint x;\n```\nRegenerate response"},
            {"role": "user", "content": "Look it up."},
            {"role": "assistant", "content": "Used WebPilot"},
            {"role": "assistant", "content": "Finished browsing\nIt is so."},
            {"role": "user", "content": "Thanks!"},
        ],
        ALL,
    )
    assert [turn.content for turn in found.turns] == [
        "Is 1 < 2?",
        "Yes.",
        "Show code.",
        "```c\nint x;\n```",
        "Look it up.",
        "It is so.",
    ]
    assert [turn.place for turn in found.turns] == [1, 2, 3, 4, 5, 7]
    assert found.changed == {
        "markdown": 2,
        "fences": 1,
        "labels": 1,
        "plugins": 2,
        "trimmed_before": 1,
        "trimmed_after": 1,
    }


def test_entities_of_a_text_dump_stay() -> None:
    assert texts("What is &lt;?", "A less-than sign.")[0] == "What is &lt;?"


@pytest.mark.parametrize(
    ("contents", "rule", "evidence"),
    [
        (("Why?",), "no_exchange", "no question is answered"),
        (("Why?", "So.", "And?", "", "Hm?", "So."), "broken_alternation", "turn 4: assistant says"),
        (("Why?", "Ask OpenAI's page."), "blocked_phrase", "'openai' in turn 2 (assistant)"),
        (("Are you ChatGPT?", "No."), "blocked_phrase", "'chatgpt' in turn 1 (user), character 9"),
        (
            ("Why?", "Too many  requests in 1 hour. Try again later."),
            "blocked_phrase",
            "'too many requests in 1 hour' in turn 2",
        ),
    ],
)
def test_faults_say_where(contents: tuple[str, ...], rule: str, evidence: str) -> None:
    found = fault(*contents)
    assert found is not None
    assert found.rule == rule
    assert found.evidence.startswith(evidence)


def test_what_is_trimmed_or_inside_a_tag_blocks_nothing() -> None:
    link = f'{PAGE}<p class="openai">So.</p></div>'
    assert fault("Why?", link, "Thanks, ChatGPT!") is None


def test_blocked_phrases_are_whole_words_and_may_be_none() -> None:
    assert fault("Why?", "The openairport.") is None
    assert fault("Why?", "ChatGPT.", options=ConversationOptions(blocked=())) is None
    assert fault("Why?", "C++.", options=ConversationOptions(blocked=("c++",))) is not None


def test_plugins_may_end_or_stay() -> None:
    contents = ("Why?", "Used WebPilot\n\nSo.")
    dropped = fault(*contents, options=ConversationOptions(plugins="drop"))
    assert dropped == Fault("plugin_used", "turn 2: Used WebPilot")
    assert texts(*contents, options=ConversationOptions(plugins="keep")) == list(contents)


def test_steps_that_are_off_change_nothing() -> None:
    off = ConversationOptions(markdown=False, interface=False, plugins="keep", blocked=())
    contents = ("1 / 1Why?", f"{PAGE}<p>So.</p></div>\nRegenerate response")
    assert texts(*contents, options=off) == list(contents)


def test_tags_without_end_are_a_fault() -> None:
    deep = "<blockquote>" * 3000 + "x" + "</blockquote>" * 3000
    found = fault("Why?", f"{PAGE}{deep}</div>")
    assert found is not None
    assert found.rule == "unreadable_html"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["user", "assistant", "system"]),
            st.one_of(
                st.text(max_size=40),
                st.text(alphabet="`<p>/div 1\nCopy code", max_size=60),
            ).map(normalise_text),
        ),
        max_size=8,
    )
)
def test_whatever_comes_alternates_or_has_a_fault(turns: list[tuple[str, str]]) -> None:
    found = clean_conversation([{"role": role, "content": text} for role, text in turns], ALL)
    if found.fault is not None:
        assert found.turns == ()
        return
    spoken = [turn.role for turn in found.turns if turn.role != "system"]
    assert spoken == ["user", "assistant"] * (len(spoken) // 2)
    assert spoken
    assert all(turn.content for turn in found.turns if turn.role != "system")
    assert all(normalise_text(turn.content) == turn.content for turn in found.turns)
