import pytest

from schemas.errors import BooksError, BudgetError, FeingoldError, InputError, RunError


@pytest.mark.parametrize(
    ("kind", "parent", "exit_code"),
    [
        (FeingoldError, Exception, 1),
        (RunError, FeingoldError, 1),
        (BooksError, RunError, 1),
        (InputError, FeingoldError, 2),
        (BudgetError, FeingoldError, 3),
    ],
)
def test_the_tree(kind: type[FeingoldError], parent: type[Exception], exit_code: int) -> None:
    assert kind.__bases__ == (parent,)
    assert kind.exit_code == exit_code
    assert kind("line").summary is None
