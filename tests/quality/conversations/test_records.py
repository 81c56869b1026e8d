from hypothesis import given
from hypothesis import strategies as st

from quality.conversations.records import slice_record


def turns(count: int) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[n % 2], "value": f"t{n}"} for n in range(count)]


@given(st.integers(1, 12), st.data())
def test_together_the_parts_are_the_record(count: int, data) -> None:
    starts = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    record = {"id": 7, "conversations": turns(count), "model": "x"}
    parts = slice_record(record, starts, count)
    assert parts is not None
    assert len(parts) == len(starts)
    assert [turn for part in parts for turn in part["conversations"]] == record["conversations"]
    assert all((part["id"], part["model"]) == (7, "x") for part in parts)
    for part, begin in zip(parts[1:], starts[1:], strict=True):
        assert part["conversations"][0] == record["conversations"][begin]


def test_system_turns_beside_and_without_words_are_counted() -> None:
    beside = {"system": "Be kind.", "conversations": turns(4)}
    assert [len(p["conversations"]) for p in slice_record(beside, [1, 3], 5) or []] == [2, 2]
    empty = {"conversations": [{"from": "system", "value": " "}, *turns(4)]}
    assert [len(p["conversations"]) for p in slice_record(empty, [0, 2], 4) or []] == [3, 2]


def test_other_records_are_left_whole() -> None:
    assert slice_record({"instruction": "a"}, [0], 2) is None
    assert slice_record({"conversations": turns(4)}, [0], 9) is None
    assert slice_record({"conversations": turns(4)}, [0, 3], 5) is None
    assert slice_record({"prompt": turns(3), "chosen": turns(1)}, [0], 3) is None
    assert slice_record({"conversations": [{"from": "tool", "value": "x"}]}, [0], 1) is None
