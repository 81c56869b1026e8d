"""Keys and tokens."""

from quality.filters.check import Check, Count, check_at_most, require_column
from quality.scorers.conversation import said
from quality.scorers.secrets import find_secrets, mask


def secrets(column: str = "messages", *, value: Count = 0) -> Check:
    """Keep rows with at most `value` API keys, tokens or private keys in the conversation.

    Args:
        column: "messages", the whole conversation that the `secrets` scorer reads.
        value: inclusive upper bound, different secrets.

    Returns:
        A check that never abstains. Its evidence is masked: four characters and the length.

    Raises:
        InputError: if `column` is another one.

    Source:
        See `quality.scorers.secrets`.

    Example:
        >>> import polars as pl
        >>> frame = pl.DataFrame({"output": ["a", "b"], "secrets": [0.0, 1.0]})
        >>> frame.filter(secrets().keep)["output"].to_list()
        ['a']
    """
    require_column(column, "messages")
    first = find_secrets(said()).list.first()
    return check_at_most("secrets", float(value), mask(first))
