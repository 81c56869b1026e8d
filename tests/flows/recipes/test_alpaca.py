"""Alpaca's proof: recorded replies lead to the decisions that its published rules lead to.

`alpaca_replies.jsonl` holds replies of the embedded teacher to lists of seed tasks, and a few made
up so that every rule is met. The rules are written down once more here, in the plainest way, with
the package `rouge-score` and no index.
"""

import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.generate.stage import make_method
from flows.methods.base import Method
from flows.methods.jobs import Ask, Draft, Gate, Job, Step
from flows.session import RunSpec, Session
from quality.gates import InstructionGates
from schemas.recipe import Recipe
from schemas.records import TeacherReply

rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")

REPLIES = [
    json.loads(line)
    for line in Path(__file__).with_name("alpaca_replies.jsonl").read_text("utf-8").splitlines()
]
#: As the paper's repository lists them.
BLACKLIST = re.compile(
    r"\b(image|images|graph|graphs|picture|pictures|file|files|map|maps|draw|plot|go to|video|audio"
    r"|music|flowchart|diagram)\b",
    re.IGNORECASE,
)


@pytest.fixture
def method(tmp_path: Path) -> Iterator[Method]:
    options = {"kind": "self_instruct", "style": "completions", "profile": "large"}
    recipe = Recipe.model_validate({"name": "set", "generators": [options]})
    spec = RunSpec("set", str(tmp_path), "", str(tmp_path), recipe.model_dump_json(), "")
    session = Session(spec)
    yield make_method(session, recipe.generators[0])
    session.close()


def next_step(job: Job, reply: TeacherReply) -> Step | list[Draft]:
    """What a job wants next, or its drafts."""
    try:
        return job.send([reply])
    except StopIteration as end:
        return end.value


def candidates(method: Method) -> list[tuple[str, bool]]:
    """The tasks of all replies, and whether the token limit cut them."""
    found = []
    for position, reply in enumerate(REPLIES):
        job = method.job(position, "")
        assert isinstance(next(job), Ask)
        step = next_step(job, TeacherReply("k", **reply))
        if isinstance(step, list):
            assert [draft.rejection.rule for draft in step] == ["unparsable_reply"]
            continue
        assert isinstance(step, Gate)
        found += [(item.instruction, item.is_truncated) for item in step.candidates]
    return found


def decide(method: Method) -> list[str]:
    """What the product's gates say."""
    gates = InstructionGates()
    for row_id, instruction in method.known():
        gates.add(row_id, instruction)
    rules = []
    for place, (instruction, is_truncated) in enumerate(candidates(method)):
        rejection = gates.check(instruction, is_truncated=is_truncated)
        if rejection is None:
            gates.add(str(place), instruction)
        rules.append("keep" if rejection is None else rejection.rule)
    return rules


def decide_plainly(method: Method) -> list[str]:
    """What the rules say, each looked up by itself and the first that is broken named."""
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    kept = [instruction for _, instruction in method.known()]
    rules = []
    for text, is_truncated in candidates(method):
        words = len(text.split())
        nearest = max(scorer.score(text, other)["rougeL"].fmeasure for other in kept)
        broken = {
            "truncated_proposal": is_truncated,
            "instruction_too_short": words <= 3,
            "instruction_too_long": words > 150,
            "blacklisted_word": BLACKLIST.search(text) is not None,
            "asks_for_program": text.startswith("Write a program"),
            "starts_with_punctuation": text[0] in string.punctuation,
            "starts_with_non_ascii": not text[0].isascii(),
            "rouge_l": nearest > 0.7,
        }
        rules.append(next((rule for rule, is_broken in broken.items() if is_broken), "keep"))
        if rules[-1] == "keep":
            kept.append(text)
    return rules


def test_recorded_replies_lead_to_the_published_decisions(method: Method) -> None:
    found = decide(method)
    assert found == decide_plainly(method)
    assert len(found) > 20
    met = {
        *("keep", "rouge_l", "blacklisted_word", "truncated_proposal", "asks_for_program"),
        *("instruction_too_short", "starts_with_punctuation", "starts_with_non_ascii"),
    }
    assert met <= set(found)
    assert decide(method) == found


@pytest.mark.parametrize(("shared", "is_kept"), [(70, True), (71, False)])
def test_a_rouge_of_seven_tenths_passes_and_one_above_does_not(shared: int, is_kept: bool) -> None:
    old = [f"old{n}" for n in range(100)]
    new = [*old[:shared], *(f"new{n}" for n in range(100 - shared))]
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    scored = scorer.score(" ".join(old), " ".join(new))["rougeL"].fmeasure
    assert scored == pytest.approx(shared / 100)
    gates = InstructionGates()
    gates.add("a", " ".join(old))
    assert (gates.check(" ".join(new)) is None) is is_kept
