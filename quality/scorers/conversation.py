"""Everything that is said in a row, as one text."""

import polars as pl

from schemas.frames import ROWS


def said() -> pl.Expr:
    r"""Return all turns of a row, one a line.

    The contents of `messages`; where there are none, system, instruction, input and output.

    Returns:
        String expression, never null.

    Example:
        >>> rows = pl.DataFrame({"messages": [[{"role": "user", "content": "Hi"}], []],
        ...     "system": "", "instruction": "Hi", "input": "", "output": "Ho"})
        >>> rows.select(said())["messages"].to_list()
        ['Hi', '\nHi\n\nHo']
    """
    parts = ["system", "instruction", "input", "output"]
    content = pl.element().struct.field("content").fill_null("")
    # A column of nulls may have lost its inner type.
    messages = pl.col("messages").cast(ROWS["messages"])
    turns = messages.list.eval(content).list.join("\n")
    joined = pl.concat_str(parts, separator="\n", ignore_nulls=True)
    return pl.when(messages.list.len() > 0).then(turns).otherwise(joined)
