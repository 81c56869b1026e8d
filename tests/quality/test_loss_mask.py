"""Loss masks on token numbers by hand: only answers and their ends are learned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.loss_mask import (
    FAULTS,
    IGNORED,
    Example,
    Fault,
    Piece,
    count_faults,
    find_faults,
    mask_pieces,
    pad_examples,
)

EOS, PAD, BOS = 2, 0, 1
TOKENS = st.lists(st.integers(10, 99), min_size=1, max_size=6).map(tuple)
#: Exchanges of question and answer, each answer with its end.
ROWS = st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=4).map(
    lambda turns: [
        Piece((BOS,), False),
        *(
            piece
            for question, answer in turns
            for piece in (Piece(question, False), Piece((*answer, EOS), True))
        ),
    ]
)


def names(example: Example, **more: object) -> list[str]:
    return [fault.name for fault in find_faults(example, (EOS,), **more)]  # type: ignore[arg-type]


def test_two_exchanges_by_hand() -> None:
    pieces = [
        Piece((BOS, 11), False), Piece((21, 22, EOS), True),
        Piece((12,), False), Piece((23, EOS), True), Piece((13,), False),
    ]  # fmt: skip
    example = mask_pieces(pieces)
    assert example.input_ids == [1, 11, 21, 22, 2, 12, 23, 2, 13]
    assert example.labels == [-100, -100, 21, 22, 2, -100, 23, 2, -100]
    assert names(example) == []


@given(ROWS)
def test_only_answers_and_their_ends_are_learned(pieces: list[Piece]) -> None:
    example = mask_pieces(pieces)
    learned = [label for label in example.labels if label != IGNORED]
    assert learned == [token for piece in pieces if piece.is_answer for token in piece.tokens]
    assert learned.count(EOS) == sum(piece.is_answer for piece in pieces)
    assert names(example) == []


@given(ROWS, st.integers(1, 40))
def test_a_cut_only_takes_away(pieces: list[Piece], length: int) -> None:
    whole, cut = mask_pieces(pieces), mask_pieces(pieces, length=length)
    assert cut == Example(whole.input_ids[:length], whole.labels[:length])
    assert set(names(cut, is_cut=len(cut.input_ids) == length)) <= {"nothing"}


@given(st.lists(ROWS, min_size=1, max_size=4), st.sampled_from([PAD, EOS]))
def test_padding_masks_no_end_even_where_it_is_one(rows: list[list[Piece]], pad: int) -> None:
    examples = [mask_pieces(pieces) for pieces in rows]
    batch, attention = pad_examples(examples, pad)
    assert len({len(row.input_ids) for row in batch}) == 1
    for before, row, seen in zip(examples, batch, attention, strict=True):
        size = len(before.input_ids)
        assert (row.input_ids[:size], row.labels[:size]) == before
        assert set(row.input_ids[size:]) <= {pad}
        assert set(row.labels[size:]) <= {IGNORED}
        assert seen == [1] * size + [0] * (len(row.labels) - size)
        assert find_faults(row, (EOS,), pad=pad) == []


def test_masking_padding_by_number_where_it_is_the_end_teaches_never_to_stop() -> None:
    """What GPT4All's first model was trained with."""
    honest = mask_pieces([Piece((BOS, 11), False), Piece((21, EOS), True)])
    by_number = Example(honest.input_ids, [IGNORED if t == EOS else t for t in honest.labels])
    assert names(by_number, pad=EOS) == ["end_masked"]


@pytest.mark.parametrize(
    ("tokens", "labels", "faults"),
    [
        ([1, 11, 21, 2], [-100, -100, 21], ["length"]),
        ([1, 11, 21, 2], [-100, -100, 22, 2], ["other_label"]),
        ([1, 11, 21, 2], [-100, -100, -100, -100], ["nothing"]),
        ([1, 11, 21, 2], [1, 11, 21, 2], ["no_prompt"]),
        ([1, 11, 21, 22], [-100, -100, 21, 22], ["no_end"]),
        ([1, 11, 21, 2], [-100, -100, 21, -100], ["end_masked"]),
        ([1, 11, 21, 2, 0, 0], [-100, -100, 21, 2, 0, 0], ["no_end", "padding"]),
        ([1, 11, 2, 12, 2], [-100, -100, 2, -100, 2], []),  # an empty answer still ends
        ([], [], ["nothing"]),
    ],
)
def test_every_fault_by_hand(tokens: list[int], labels: list[int], faults: list[str]) -> None:
    assert names(Example(tokens, labels), pad=PAD) == faults


def test_learned_padding_that_is_the_end_is_found_too() -> None:
    assert names(Example([1, 11, 21, 2, 2, 2], [-100, -100, 21, 2, 2, 2]), pad=EOS) == ["padding"]


def test_a_row_that_was_cut_may_lack_its_last_end_but_no_other() -> None:
    example = Example([1, 21, 12, 22], [-100, 21, -100, 22])
    assert find_faults(example, (EOS,), is_cut=True) == [Fault("no_end", 1)]
    assert find_faults(Example([1, 21], [-100, 21]), (EOS,), is_cut=True) == []


@given(st.lists(st.integers(-100, 9), max_size=12), st.lists(st.integers(-100, 9), max_size=12))
def test_any_numbers_have_known_faults_or_none(tokens: list[int], labels: list[int]) -> None:
    found = names(Example(tokens, labels), pad=PAD)
    assert set(found) <= set(FAULTS)
    assert len(set(found)) == len(found)


def test_rows_are_counted_by_fault() -> None:
    found = count_faults([[Fault("nothing", 0)], [], [Fault("nothing", 3), Fault("no_end", 1)]])
    assert found == {"nothing": 2, "no_end": 1}
    assert list(found) == ["nothing", "no_end"]
