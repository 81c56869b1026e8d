import json

import polars as pl

from quality.filters.engine import apply_filters
from schemas.frames import ROWS


def rows(checks: list[object], outputs: list[str]) -> pl.DataFrame:
    lines = [
        {
            "id": str(place),
            "source": "s",
            "output": output,
            "instruction": "Sum?",
            "about": check if isinstance(check, str) or check is None else json.dumps(check),
        }
        for place, (check, output) in enumerate(zip(checks, outputs, strict=True))
    ]
    return pl.DataFrame(lines, schema=dict(ROWS))


def test_wrong_rows_go_doubtful_ones_abstain_and_others_are_not_measured() -> None:
    number = {"check": {"kind": "number", "expected": "12"}}
    program = {"check": {"kind": "python", "function": "f", "cases": []}}
    frame = rows(
        [number, number, number, program, None, "[broken", {"check": 7}],
        ["12", "21", "12 or 13", "def f(): ...", "x", "x", "x"],
    )
    found = apply_filters(frame, [{"rule": "verified"}])
    assert found.dropped["id"].to_list() == ["1"]
    said = found.decisions.select("id", "action", "value", "threshold").rows()
    assert said == [
        ("1", "drop", 0.0, 1.0),
        ("2", "abstain", None, 1.0),
        ("3", "abstain", None, 1.0),
    ]
    assert "12" in found.decisions["evidence"][0]
