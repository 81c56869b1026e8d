"""What a row trains: eleven kinds of task, told by rules."""

from typing import Final

import polars as pl

from quality.select import formal_tasks, language_tasks

#: In the order in which the rules are asked; the first that fits decides.
CATEGORIES: Final = (
    "code",
    "translation",
    "maths",
    "summarisation",
    "classification",
    "rewriting",
    "extraction",
    "creative_writing",
    "brainstorming",
    "question_answering",
    "other",
)

#: What is quoted is material, not a wish.
_QUOTED = r"\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»"
#: What a task is stands at its beginning.
_MOST_CHARACTERS = 600


def categorise(rows: pl.DataFrame) -> pl.Series:
    """Name the kind of task of every row.

    The prompt decides. The answer decides only where it holds program code, or the number that a
    story asked for. English and German; prompts in other languages are code, maths or `other`.

    Args:
        rows: frame with String `instruction`, `input` and `output`; null counts as "".

    Returns:
        String, one of CATEGORIES, never null. `creative_writing` is every text to be composed,
        letters and essays too; `question_answering` every question about the world or a text.

    Source:
        The use cases of Ouyang et al. 2022 (InstructGPT), https://arxiv.org/abs/2203.02155, and of
        Dolly. Differs: rules instead of labellers; code, maths and translation of their own.

    Example:
        >>> rows = pl.DataFrame({
        ...     "instruction": ["Write a Python function that adds.", "Nenne drei Flüsse."],
        ...     "input": ["", ""], "output": ["def add(a, b):", "Rhein, Elbe, Oder"]})
        >>> categorise(rows).to_list()
        ['code', 'question_answering']
    """
    texts = rows.select(
        prompt=_beginning("instruction"), given=_beginning("input"), answer=_beginning("output")
    ).with_columns(
        wish=pl.col("prompt").str.replace_all(_QUOTED, "…"),
        whole=pl.concat_str(["prompt", "given"], separator="\n"),
    )
    kind = pl.lit(CATEGORIES[-1])
    rules = {"code": _is_code(), "translation": _is_translation(), "maths": _is_maths()}
    rules |= {
        name: pl.col("wish").str.contains(pattern)
        for name, pattern in language_tasks.PATTERNS.items()
    }
    for name in reversed(CATEGORIES[:-1]):
        kind = pl.when(rules[name]).then(pl.lit(name)).otherwise(kind)
    return texts.select(category=kind).to_series()


def _beginning(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).fill_null("").str.slice(0, _MOST_CHARACTERS)


def _is_code() -> pl.Expr:
    wish, answer = pl.col("wish"), pl.col("answer")
    return (
        wish.str.contains(formal_tasks.CODE_ASKED)
        | pl.col("whole").str.contains(formal_tasks.CODE)
        | (answer.str.contains(formal_tasks.CODE) & wish.str.contains(formal_tasks.CODE_WORDS))
    )


def _is_maths() -> pl.Expr:
    wish, whole = pl.col("wish"), pl.col("whole")
    has_thing = wish.str.contains(formal_tasks.MATHS_THING)
    has_expression = whole.str.contains(formal_tasks.MATHS_EXPRESSION)
    has_unit = whole.str.contains(formal_tasks.MATHS_UNITS)
    is_led = wish.str.contains(formal_tasks.MATHS_VERB)
    is_plain = wish.str.contains(formal_tasks.MATHS_PLAIN)
    is_story = whole.str.contains(formal_tasks.MATHS_STORY)
    return (
        (has_thing & has_expression)
        | (whole.str.contains(r"\d") & (is_plain | (is_led & (has_thing | has_unit))))
        | (whole.str.contains(r"\d") & is_led & has_expression)
        | (is_story & pl.col("answer").str.contains(r"\d"))
    )


def _is_translation() -> pl.Expr:
    wish = pl.col("wish")
    is_asked = wish.str.contains(language_tasks.TRANSLATION)
    is_led = wish.str.contains(language_tasks.TRANSLATION_VERB)
    return (is_asked | is_led) & ~wish.str.contains(language_tasks.NOT_TRANSLATION)
