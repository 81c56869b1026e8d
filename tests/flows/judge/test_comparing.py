"""Two answers to one task, in both orders, by every judge."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from flows.judge.comparing import Compared, Pair, compare
from flows.judge.pair_notes import describe_comparison
from flows.judge.show import show_comparison
from quality.judging.canaries import KINDS
from schemas.errors import BudgetError
from tests.flows.judge.fake_judge import FakeJudge, Sections, opened, options_of, preference

QUIET: dict[str, Any] = {"canaries": 0, "repeat_share": 0}


def text(name: str, length: int = 40) -> str:
    return " ".join(f"{name}{place}" for place in range(length))


def make(count: int = 10) -> list[Pair]:
    """Pairs whose better answer is a."""
    return [
        Pair(f"p{place}", f"Task {place}.", "", text(f"good{place}x"), text(f"bad{place}x"))
        for place in range(count)
    ]


def compared(base: Path, teacher: Any, pairs: list[Pair], **options: Any) -> Compared:
    with opened(base, teacher, judge=options) as session:
        return compare(session, pairs, options_of(session))


def honest(shown: Sections) -> str:
    """Right wherever the good answer stands."""
    is_good = [shown[f"ANSWER {place}"].startswith("good") for place in (1, 2)]
    return preference("tie" if is_good[0] == is_good[1] else "first" if is_good[0] else "second")


def test_every_pair_is_asked_about_in_both_orders(tmp_path: Path) -> None:
    with FakeJudge(say=honest) as judge:
        found = compared(tmp_path, judge.options(), make(3), **QUIET)
    assert found.winners == dict.fromkeys(["p0", "p1", "p2"], "a")
    firsts = Counter(shown["ANSWER 1"].split("0x")[0][:3] for shown in judge.shown)
    assert len(judge.shown) == 6
    assert firsts == {"goo": 3, "bad": 3}


def test_the_worse_answer_in_front_is_still_the_worse_one(tmp_path: Path) -> None:
    turned = [Pair(pair.id, pair.instruction, "", pair.b, pair.a) for pair in make(3)]
    with FakeJudge(say=honest) as judge:
        found = compared(tmp_path, judge.options(), turned, **QUIET)
    assert set(found.winners.values()) == {"b"}


@pytest.mark.parametrize("side", ["first", "second"])
def test_a_judge_that_goes_by_place_calls_nothing_but_ties(side: str, tmp_path: Path) -> None:
    with FakeJudge(say=lambda _: preference(side)) as judge:
        found = compared(tmp_path, judge.options(), make(), **QUIET)
    assert set(found.winners.values()) == {"tie"}
    (said,) = describe_comparison(found)["judges"]
    assert said["first_position"]["value"] == (1.0 if side == "first" else 0.0)
    assert said["same_in_both_orders"]["value"] == 0.0


def test_a_verdict_missing_in_one_order_is_an_abstention(tmp_path: Path) -> None:
    def say(shown: Sections) -> str:
        is_cut = shown["TASK"] == "Task 1." and shown["ANSWER 1"].startswith("bad")
        return "Neither." if is_cut else honest(shown)

    with FakeJudge(say=say) as judge:
        found = compared(tmp_path, judge.options(), make(3), **QUIET)
    assert found.winners == {"p0": "a", "p1": None, "p2": "a"}
    notes = describe_comparison(found)
    assert (notes["pairs"], notes["a"], notes["abstained"]) == (3, 2, 1)
    assert notes["win_rate"]["n"] == 2
    assert notes["judges"][0]["abstentions"] == {"not_json": 1}


def test_the_median_of_a_panel_decides(tmp_path: Path) -> None:
    def wrong(shown: Sections) -> str:
        return (
            honest(shown)
            .translate(str.maketrans({}))
            .replace("first", "#")
            .replace("second", "first")
            .replace("#", "second")
        )

    says = (honest, honest, wrong)
    with FakeJudge(say=says[0]) as a, FakeJudge(say=says[1]) as b, FakeJudge(say=says[2]) as c:
        names = {"x": a, "y": b, "z": c}
        teachers = [judge.options(model=name) for name, judge in names.items()]
        most = compared(tmp_path, teachers, make(3), **QUIET)
        split = compared(tmp_path, teachers[1:], make(3), **QUIET)
    assert set(most.winners.values()) == {"a"}
    assert set(split.winners.values()) == {"tie"}
    assert describe_comparison(split)["between_judges"][0]["exact"]["value"] == 0.0
    assert len(a.received) == len(b.received) == 6  # the second run asks nobody again


def test_a_judge_of_length_is_found_out(tmp_path: Path) -> None:
    sizes_of_b = [15 + 3 * place % 40 for place in range(60)]
    pairs = [
        Pair(f"p{place}", f"Task {place}.", "", text("a", 20 + place), text("b", size))
        for place, size in enumerate(sizes_of_b)
    ]

    def say(shown: Sections) -> str:
        sizes = [len(shown[f"ANSWER {place}"]) for place in (1, 2)]
        return preference("first" if sizes[0] > sizes[1] else "second")

    with FakeJudge(say=say) as judge:
        notes = describe_comparison(compared(tmp_path, judge.options(), pairs, **QUIET))
    assert notes["longer_wins"]["value"] == 1.0
    assert notes["win_rate"]["low"] > 0.6
    assert notes["length_controlled_win_rate"]["low"] <= 0.5


def test_repeats_and_traps_ride_along_and_decide_nothing(tmp_path: Path) -> None:
    with FakeJudge(say=honest) as judge:
        found = compared(tmp_path, judge.options(), make(12), canaries=2, repeat_share=0.5)
    assert len(found.winners) == 12
    notes = describe_comparison(found)
    again = notes["judges"][0]["consistency"]
    assert (again["exact"]["value"], again["pairs"]) == (1.0, again["exact"]["n"])
    kinds = {kind["kind"]: kind for kind in notes["canaries"]["kinds"]}
    assert {name: kind["caught"]["n"] for name, kind in kinds.items()} == {
        **dict.fromkeys(KINDS, 2),
        "all": 10,
    }
    # This judge goes by the first word: it sees none of what still begins like a good answer.
    assert kinds["flattery"]["caught"]["value"] == 1.0
    assert kinds["truncated"]["caught"]["value"] == 0.5
    assert len(judge.received) == 2 * (12 + 10 + again["pairs"])
    assert len({item.key for item in judge.received}) == len(judge.received)


def test_the_same_pairs_cost_nothing_the_second_time(tmp_path: Path) -> None:
    with FakeJudge(say=honest) as judge:
        with pytest.raises(BudgetError, match=r"judge\.budget\.requests"):
            compared(tmp_path, judge.options(), make(6), budget={"requests": 5}, **QUIET)
        assert len(judge.received) == 5
        first = compared(tmp_path, judge.options(), make(6), **QUIET)
        second = compared(tmp_path, judge.options(), make(6)[::-1], **QUIET)
    assert len(judge.received) == 12
    assert first.winners == second.winners
    assert first.paid["requests"] == {"sent": 7, "replayed": 5, "failed": 0}
    notes = [describe_comparison(found) for found in (first, second)]
    assert json.dumps(notes[0]) == json.dumps(notes[1])


def test_a_reference_is_shown(tmp_path: Path) -> None:
    pair = Pair("p", "Add.", "1 and 2", "3", "4", reference="3")
    with FakeJudge(say=lambda _: preference("first")) as judge:
        compared(tmp_path, judge.options(), [pair], **QUIET)
    assert {shown["REFERENCE ANSWER"] for shown in judge.shown} == {"3"}
    assert {shown["INPUT"] for shown in judge.shown} == {"1 and 2"}


def test_people_are_told_what_it_is_worth(tmp_path: Path) -> None:
    with FakeJudge(say=lambda _: preference("first")) as judge:
        found = compared(tmp_path, judge.options(), make(12), canaries=2, repeat_share=0.5)
    shown = show_comparison(describe_comparison(found))
    assert "NO BETTER THAN CHANCE" in shown
    assert "for the first shown 1.00" in shown
    assert "ties 12" in shown
