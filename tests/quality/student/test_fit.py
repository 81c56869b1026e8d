"""Learning from labelled rows: what is found, what is claimed, and what the order changes."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from quality.scorers import add_scores
from quality.student.fit import FOLDS, Lesson, assign_folds, learn
from quality.student.model import Kind
from schemas.errors import InputError
from schemas.frames import ROWS

NAMES = ["output_words", "repetition", "craft"]
TOPICS = ["river", "engine", "poem", "tax", "garden", "planet", "recipe", "law"]


def make_lesson(kind: Kind, n: int = 160, *, seed: int = 0, is_told: bool = True) -> Lesson:
    """Rows whose answers are good where they explain; labels that say so, or say nothing."""
    generator = np.random.default_rng(seed)
    target, rows, group = [], [], []
    for number in range(n):
        is_good = number % 2 == 0
        prompt = number // 2 if kind == "pairs" else number
        topic = TOPICS[prompt % len(TOPICS)]
        good = f"A {topic} matters because it changes what people do, for example number {number}."
        bad = f"the {topic} is {topic} number {number} lol"
        rows.append(
            {
                "id": f"{number:032x}",
                "instruction": f"Say something about {topic} {prompt}.",
                "input": "",
                "output": good if is_good else bad,
            }
        )
        told = is_good if is_told else bool(generator.random() < 0.5)
        target.append(float(told) if kind != "ratings" else 0.25 + 0.5 * told)
        group.append(prompt if kind == "pairs" else -1)
    frame = pl.DataFrame(rows)
    frame = frame.with_columns(
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in ROWS.items()
        if name not in frame.columns
    )
    if kind == "pairs" and not is_told:
        flips = generator.random(n // 2) < 0.5
        target = [
            float(flips[i // 2]) if i % 2 == 0 else float(not flips[i // 2]) for i in range(n)
        ]
    vectors = tuple(unit(generator.standard_normal((n, 8))) for _ in range(2))
    return Lesson(
        add_scores(frame, NAMES), np.array(target), np.array(group), kind, (vectors[0], vectors[1])
    )


def unit(values: np.ndarray) -> np.ndarray:
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("kind", ["labels", "ratings", "pairs"])
def test_what_can_be_learned_is_learned(kind: Kind) -> None:
    lesson = make_lesson(kind)
    student = learn(lesson, NAMES, [])
    held_out = student.held_out
    assert held_out.low > 0.8
    assert held_out.value >= held_out.low
    value, spread = student.score(lesson.rows, lesson.vectors)
    good = lesson.target > 0.5
    assert value[good].mean() > value[~good].mean() + 0.2
    assert ((value >= 0) & (value <= 1) & (spread >= 0) & (spread <= 1)).all()


@pytest.mark.parametrize(("kind", "chance"), [("labels", 0.5), ("ratings", 0.0), ("pairs", 0.5)])
def test_labels_that_say_nothing_are_found_out(kind: Kind, chance: float) -> None:
    """What was fitted fits them well; only held-out prompts tell that nothing was learned."""
    held_out = learn(make_lesson(kind, is_told=False, seed=3), NAMES, []).held_out
    assert held_out.low < chance < held_out.high


def test_the_order_of_rows_changes_nothing() -> None:
    lesson = make_lesson("labels", 120)
    order = np.random.default_rng(1).permutation(120)
    shuffled = Lesson(
        lesson.rows[order],
        lesson.target[order],
        lesson.group[order],
        lesson.kind,
        (lesson.vectors[0][order], lesson.vectors[1][order]),
    )
    one, other = learn(lesson, NAMES, []), learn(shuffled, NAMES, [])
    assert one.held_out == other.held_out
    assert np.array_equal(one.members.kernel.weights, other.members.kernel.weights)
    assert np.array_equal(
        one.score(lesson.rows, lesson.vectors)[0][order],
        other.score(shuffled.rows, shuffled.vectors)[0],
    )


def test_a_prompt_is_in_one_fold_and_every_fold_has_both_kinds() -> None:
    lesson = make_lesson("labels", 200)
    doubled = lesson.rows.with_columns(instruction=pl.col("instruction").str.replace(r"\d+", "7"))
    folds = assign_folds(replace(lesson, rows=doubled))
    by_prompt = pl.DataFrame({"prompt": doubled["instruction"], "fold": folds})
    assert by_prompt.group_by("prompt").agg(pl.col("fold").n_unique())["fold"].max() == 1
    folds = assign_folds(lesson)
    for fold in range(FOLDS):
        assert 0.4 < lesson.target[folds == fold].mean() < 0.6


@pytest.mark.parametrize(
    ("n", "line"),
    [
        (40, "expected at least 50 labelled rows with 10 above and 10 below the middle, got 40"),
        (120, "got 120 with 120 and 0: label more rows"),
    ],
)
def test_too_few_labels_are_refused(n: int, line: str) -> None:
    lesson = make_lesson("labels", n)
    if n > 100:
        lesson = replace(lesson, target=np.ones(n))
    with pytest.raises(InputError, match=line):
        learn(lesson, NAMES, [])


def test_equal_answers_of_a_pair_teach_nothing() -> None:
    lesson = make_lesson("pairs", 160)
    tied = lesson.target.copy()
    tied[:20] = 0.5
    student = learn(replace(lesson, target=tied), NAMES, [])
    assert student.held_out.value > 0.8


def test_constant_and_abstaining_scores_are_no_signal() -> None:
    lesson = make_lesson("labels", 100)
    rows = lesson.rows.with_columns(
        repetition=pl.lit(None, dtype=pl.Float64),
        craft=pl.lit(0.5),
        output_words=pl.when(pl.int_range(pl.len()) % 3 == 0).then("output_words"),
    )
    student = learn(replace(lesson, rows=rows), NAMES, [])
    assert student.signals.names == ["output_words"]
    assert np.isfinite(student.score(rows, lesson.vectors)[0]).all()
