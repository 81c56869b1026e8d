import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.scorers.consistency import RankedAnswer, agreements, mean_logprob, rank_answers


def test_the_answer_that_most_agrees_comes_first() -> None:
    ranked = rank_answers(["Rome is it.", "It is Paris.", "Paris, it is!"])
    assert [answer.index for answer in ranked] == [1, 2, 0]
    assert ranked[0].agreement == pytest.approx((1 + 2 / 3) / 2)


def test_confidence_comes_before_agreement() -> None:
    ranked = rank_answers(["a b", "a b", "c"], confidences=[-0.9, -0.8, -0.1])
    assert [answer.index for answer in ranked] == [2, 1, 0]
    assert ranked[0] == RankedAnswer(2, 0.0, -0.1)


def test_confidence_counts_only_if_every_answer_has_one() -> None:
    ranked = rank_answers(["a b", "a b", "c"], confidences=[None, -0.8, -0.1])
    assert [answer.index for answer in ranked] == [0, 1, 2]


def test_a_single_answer_agrees_with_nobody() -> None:
    assert rank_answers(["a"]) == [RankedAnswer(0, None, None)]
    assert rank_answers([]) == []


def test_refuses_confidences_of_another_length() -> None:
    with pytest.raises(ValueError, match="got 1 for 2 answers"):
        rank_answers(["a", "b"], confidences=[-0.1])


@given(st.lists(st.text(), min_size=2, max_size=5))
def test_agreement_lies_between_0_and_1_and_no_answer_is_lost(answers: list[str]) -> None:
    ranked = rank_answers(answers)
    assert sorted(answer.index for answer in ranked) == list(range(len(answers)))
    assert all(0 <= answer.agreement <= 1 for answer in ranked)


@given(st.lists(st.text(), min_size=2, max_size=5))
def test_order_of_the_answers_does_not_change_their_agreement(answers: list[str]) -> None:
    assert agreements(answers[::-1]) == pytest.approx(agreements(answers)[::-1])


@pytest.mark.parametrize(
    ("values", "mean"),
    [([], None), ([float("nan")], None), ([-1.0, -2.0], -1.5), ([-1.0, float("-inf")], -1.0)],
)
def test_mean_logprob_abstains_where_there_is_nothing(values: list[float], mean) -> None:
    assert mean_logprob(values) == mean
