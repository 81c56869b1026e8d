"""What judging is expected to ask and cost."""

from dataclasses import dataclass

from flows.judge.judges import judge_teachers
from flows.teachers.resolve import price_of
from quality.judging.canaries import KINDS
from schemas.recipe import Recipe

# Of a rating request without the row that it shows, and of a row whose length is not known.
_PROMPT_TOKENS, _ROW_TOKENS = 350, 200
_FILL = 0.6  # share of the token limit that a verdict uses


@dataclass(frozen=True, slots=True)
class JudgeQuote:
    """What all judges are expected to be asked.

    Attributes:
        requests: verdicts, those on repeats and traps among them.
        prompt_tokens: of them.
        completion_tokens: of them.
        cost_usd: in US dollars; null where a price is not known.
        assumption: what the figures rest on.
    """

    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    assumption: str


def quote_judging(recipe: Recipe, rows: int, row_tokens: int) -> JudgeQuote | None:
    """Quote the judging of a run; null where nobody judges.

    Args:
        recipe: of the run.
        rows: that its generators are expected to make.
        row_tokens: of an answer; 0 where that is not known.
    """
    options = recipe.judge
    if options is None:
        return None
    judged = rows if options.max_rows is None else options.max_rows
    if recipe.asks_back and recipe.student is not None:
        judged += recipe.student.ask_back
    judges = judge_teachers(recipe, options)
    each = judged + round(judged * options.repeat_share) + options.canaries * len(KINDS)
    prompt = each * (_PROMPT_TOKENS + (row_tokens or _ROW_TOKENS))
    completion = round(each * options.max_tokens * _FILL)
    prices = [price_of(judge) for judge in judges]
    costs = [
        (prompt * price.prompt + completion * price.completion) / 1e6
        for price in prices
        if price is not None
    ]
    source = "" if options.max_rows is not None else ", rows of sources not counted"
    return JudgeQuote(
        each * len(judges),
        prompt * len(judges),
        completion * len(judges),
        round(sum(costs), 6) if len(costs) == len(prices) else None,
        f"{judged:,} rows judged by {len(judges)}, verdicts not looked up in the journal{source}",
    )
