"""Dimensions and their columns."""

import pytest

from quality.judging.rubrics import DIMENSIONS, column_of, rubrics_of
from schemas.errors import InputError
from schemas.recipe import JudgeOptions


def test_the_dimensions_keep_the_order_of_the_recipe() -> None:
    assert list(rubrics_of(["clarity", "accuracy"], {})) == ["clarity", "accuracy"]


def test_ones_own_text_comes_before_the_built_in_one() -> None:
    found = rubrics_of(["clarity", "wit"], {"wit": "Is it\n  witty?", "clarity": "Short?"})
    assert found == {"clarity": "Short?", "wit": "Is it witty?"}


def test_the_defaults_of_a_recipe_are_known() -> None:
    options = JudgeOptions()
    assert set(rubrics_of(options.dimensions, options.rubrics)) <= set(DIMENSIONS)
    description = str(JudgeOptions.model_fields["dimensions"].description)
    assert all(name in description for name in DIMENSIONS)


@pytest.mark.parametrize(
    ("dimensions", "rubrics", "words"),
    [
        (["acuracy"], {}, "did you mean 'accuracy'"),
        (["zzz"], {}, "judge.rubrics"),
        (["wit"], {"wit": " \n"}, "empty text"),
        (["clarity", "clarity"], {}, "'judge_clarity' is taken"),
        (["spread"], {"spread": "Is it broad?"}, "'judge_spread' is taken"),
    ],
)
def test_what_cannot_be_rated_is_said(
    dimensions: list[str], rubrics: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        rubrics_of(dimensions, rubrics)


def test_no_two_names_of_dimensions_share_a_column() -> None:
    assert len({column_of(name) for name in DIMENSIONS}) == len(DIMENSIONS)
