from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.padding import padding

MakeRows = Callable[..., pl.DataFrame]
ANSWER = "Rain falls because warm air rises and cools."


@pytest.mark.parametrize(
    "filler",
    [
        "I hope this helps!", "Let me know if you have any further questions.",
        "Please feel free to ask me anything else.", "Is there anything else I can do for you?",
        "If you need any more information, I am here.", "I'm happy to help!",
        "Ich hoffe, das hilft dir weiter!", "Lass mich gerne wissen, ob alles klar ist.",
        "Falls du noch Fragen hast, frag einfach.", "Kann ich sonst noch helfen?",
        "Zögern Sie nicht, mich zu fragen.",
    ],
)  # fmt: skip
def test_closings_count_by_their_length(make_rows: MakeRows, filler: str) -> None:
    score = padding(make_rows([f"{ANSWER} {filler}"], "Why does it rain?"))[0]
    assert score == pytest.approx(len(filler) / len(f"{ANSWER} {filler}"), abs=0.05)


@pytest.mark.parametrize(
    "opener",
    ["Great question! ", "What a great question! ", "Sure! ", "Certainly! ", "Of course. ",
     "Gute Frage! ", "Natürlich! ", "Thank you for your question. "],
)  # fmt: skip
def test_openers_count(make_rows: MakeRows, opener: str) -> None:
    assert padding(make_rows([opener + ANSWER], "Why does it rain?"))[0] > 0


def test_the_second_disclaimer_counts_and_the_first_does_not(make_rows: MakeRows) -> None:
    once = f"{ANSWER} Please note that this may vary."
    twice = f"{once} It is important to remember that this may vary."
    scores = padding(make_rows([once, twice], "Why does it rain?")).to_list()
    assert scores[0] == 0.0
    assert scores[1] == pytest.approx(0.39, abs=0.02)


def test_a_restated_instruction_counts(make_rows: MakeRows) -> None:
    task = "Explain in your own words why the rain falls."
    rows = make_rows([f"{task} {ANSWER}", f"{ANSWER} {task}", task], task)
    restated, after, only = padding(rows).to_list()
    assert restated == pytest.approx(len(task) / len(f"{task} {ANSWER}"), abs=0.02)
    assert (after, only) == (0.0, 0.0)  # an answer that is its task is `echo`'s


@pytest.mark.parametrize(
    ("instruction", "output"),
    [
        ("Why does it rain?", ANSWER),
        ("Why does it rain?", ""),
        ("What is a capital?", "A capital is a city."),
        ("Who asks?", "Sure-footed goats ask no question."),
        ("Describe hope.", "Hope is a thing with feathers. I hope it stays."),
        ("Is it safe?", "Of course, no climb is safe."),
        ("Print it.", '"""\nWrite a function that adds.\n"""\ndef add(a, b):\n    return a + b'),
        ("Was ist Glück?", "Natürlich ist Glück ein Gefühl."),
    ],
)
def test_plain_answers_have_no_padding(make_rows: MakeRows, instruction: str, output: str) -> None:
    assert padding(make_rows([output], instruction)).to_list() == [0.0]


@pytest.mark.parametrize(
    "instruction",
    ["Write an email to a customer.", "Reply to this message.", "Schreibe einen Brief.",
     "Create a dialogue between two friends.", "Translate this."],
)  # fmt: skip
def test_letters_and_talks_abstain(make_rows: MakeRows, instruction: str) -> None:
    rows = make_rows(["Hello. Please let me know if you can come.", "Hello."], instruction)
    assert padding(rows).to_list() == [None, 0.0]
