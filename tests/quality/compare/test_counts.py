import pytest

from quality.compare.counts import FieldChange, count_changes, field_changes


def test_counts_of_either_side_are_there_the_largest_difference_first() -> None:
    found = count_changes({"a": 3, "b": 1, "c": 9}, {"a": 3, "b": 11, "d": 2})
    assert [tuple(change) for change in found] == [
        ("b", 1, 11, 10), ("c", 9, 0, -9), ("d", 0, 2, 2), ("a", 3, 3, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", "1", "2")]),
        ({"a": [1, 2]}, {"a": [1]}, [("a[1]", "2", "-")]),
        ({"a": [{"p": 1}]}, {"a": [{"p": 1}, {"p": 2}]}, [("a[1].p", "-", "2")]),
        ({"a": None}, {}, [("a", "null", "-")]),
        ({"a": {}}, {"a": {"b": 1}}, [("a", "{}", "-"), ("a.b", "-", "1")]),
        ({"a": 1}, {"a": True}, [("a", "1", "true")]),
        ({"a": 1}, {"a": 1.0}, [("a", "1", "1.0")]),
        ({"a": "x" * 99}, {}, [("a", '"' + "x" * 55 + " ...", "-")]),
        (["not a mapping"], {"a": 1}, [("[0]", '"not a mapping"', "-"), ("a", "-", "1")]),
    ],
)
def test_fields_are_compared_leaf_by_leaf(
    old: object, new: object, changes: list[tuple[str, str, str]]
) -> None:
    assert field_changes(old, new) == [FieldChange(*change) for change in changes]
