"""The rows of the map as the page carries them."""

import base64
import gzip
import json
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.report.bundle import embed_json
from flows.report.points import MAX_NAMES, pack, pack_points, topic_table, yaml_literal

_TEXTS = ("instruction", "input", "output", "topic", "source", "category", "language", "teacher")


def unpack(packed: str) -> bytes:
    return gzip.decompress(base64.b64decode(packed))


def make_found(size: int, **columns: list[Any]) -> pl.DataFrame:
    """Joined points: every text is "a" and every place the middle, but for `columns`."""
    plain: dict[str, Any] = {name: ["a"] * size for name in (*_TEXTS, "license")}
    plain |= {"id": [f"{place:032x}" for place in range(size)], "fate": ["kept"] * size}
    plain |= {"x": [0.5] * size, "y": [0.5] * size}
    return pl.DataFrame(plain | columns)


@given(st.text())
@settings(max_examples=100)
def test_a_yaml_literal_reads_as_the_text_and_shows_nothing_strange(text: str) -> None:
    literal = yaml_literal(text)
    assert literal.isascii()
    assert literal.isprintable()
    rule = yaml.safe_load(f"{{rule: not_in, column: source, value: [{literal}]}}")
    assert rule["value"] == [text]


@given(st.recursive(st.text() | st.none() | st.integers(), st.lists))
@settings(max_examples=100)
def test_embedded_json_cannot_leave_its_element(value: object) -> None:
    text = embed_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value


@given(st.binary())
@settings(max_examples=20)
def test_packing_is_the_same_every_time(data: bytes) -> None:
    assert pack(data) == pack(data)
    assert unpack(pack(data)) == data


def test_places_levels_and_names_come_back() -> None:
    found = make_found(
        4,
        x=[0.0, 1.0, 0.5, 0.25],
        source=["b", "a", "b", None],
        fate=["kept", "kept", "refusal", "refusal"],
        quality=[0.0, 1.0, None, 0.5],
    )
    packed = pack_points(found)
    assert np.frombuffer(unpack(packed["x"]), "<u2").tolist() == [0, 65_535, 32_768, 16_384]
    groups = {group["name"]: group for group in packed["groups"]}
    assert list(groups) == ["fate", "source"]  # what all rows share tells nothing
    assert groups["source"]["names"] == ["b", "(none)", "a"]
    assert np.frombuffer(unpack(groups["source"]["codes"]), "<u2").tolist() == [0, 2, 0, 1]
    assert groups["fate"]["names"] == ["kept", "refusal"]
    [score] = packed["scores"]
    assert np.frombuffer(unpack(score["levels"]), np.uint8)[2] == 255  # null is no number


def test_kept_is_the_first_fate_even_where_few_or_none_are() -> None:
    fates = [["kept", "a", "a"], ["a", "a", "b"], ["kept"] * 3]
    for fate in fates:
        groups = pack_points(make_found(3, fate=fate))["groups"]
        assert groups[0]["name"] == "fate"
        assert groups[0]["names"][0] == "kept"


def test_rare_names_share_one_code() -> None:
    size = MAX_NAMES + 50
    packed = pack_points(make_found(size, source=[f"s{place:04}" for place in range(size)]))
    group = next(group for group in packed["groups"] if group["name"] == "source")
    assert group["names"][-1] == "other"
    assert len(group["literals"]) == MAX_NAMES
    assert np.frombuffer(unpack(group["codes"]), "<u2").max() == MAX_NAMES


@pytest.mark.parametrize("hostile", ["\u202ea", "\x00a", "\ud800a", "<script>"])
def test_texts_show_controls_and_stay_text(hostile: str) -> None:
    found = make_found(1, instruction=["x"], output=["x"])
    if "\ud800" not in hostile:  # a frame holds no lone surrogate
        found = make_found(1, instruction=[hostile], output=[hostile])
    prompts, answers = json.loads(unpack(pack_points(found)["texts"]))
    for text in (*prompts, *answers):
        assert not set(text) & {"\u202e", "\x00"}


def test_many_long_texts_are_cut_until_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.report.points.MAX_TEXT_BYTES", 20_000)
    texts = [
        "".join(sha256(f"{place} {part}".encode()).hexdigest() for part in range(9))
        for place in range(200)
    ]
    packed = pack_points(make_found(200, instruction=texts, output=texts))
    assert len(packed["texts"]) <= 20_000
    prompts, _ = json.loads(unpack(packed["texts"]))
    assert all(len(text) < 200 for text in prompts)


def test_topics_are_counted_by_source_the_worst_first() -> None:
    found = make_found(
        6,
        topic=["good"] * 3 + ["bad"] * 2 + [None],
        source=["one", "one", "two", "one", "rare", "one"],
        fate=["kept", "kept", "kept", "kept", "refusal", "refusal"],
        quality=[0.5, 0.7, None, 0.2, 0.4, 0.0],
    )
    table = topic_table(found, most_sources=1)
    assert table["sources"] == ["one", "other sources"]
    bad, good = table["lines"]
    assert (bad["topic"], good["topic"]) == ("bad", "good")
    assert bad["all"]["dropped"] == 1
    assert good["all"]["quality"] == pytest.approx(0.6)
    assert [cell["rows"] for cell in good["cells"]] == [2, 1]
    assert [cell["dropped"] for cell in bad["cells"]] == [0, 1]
