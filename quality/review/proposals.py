"""What should become of a source, and why: keep it, keep a sample of it, drop it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from quality.intervals import Interval
from quality.review.figures import Figures
from schemas.recipe import ReviewOptions

Action = Literal["keep", "sample", "drop", "abstain"]

#: Figures that say that rows of a source are alike.
ALIKE: Final = ("homogeneity", "same_answers", "same_openings")
_SAYS: Final = {
    "refusals": "of the answers refuse",
    "malformed": "of the answers are broken",
    "short": "of the answers are short",
    "same_answers": "of the rows have one of its ten most frequent answers",
    "same_openings": "of the prompts begin with one of its five most frequent openings",
}


class Sign(NamedTuple):
    """A figure beside its limit.

    Attributes:
        measure: name of a field of Figures.
        value: what was measured.
        limit: what the recipe allows.
        is_over: null where the 95 % interval holds the limit, so that nothing can be said.
        text: the same for people.
    """

    measure: str
    value: float
    limit: float
    is_over: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What should become of a source.

    Attributes:
        figures: of the source.
        action: `abstain`: there is too little to tell; the rows stay.
        share: of its rows that stays.
        signs: what led to it, the most telling first.
        evidence: one line.
    """

    figures: Figures
    action: Action
    share: float
    signs: tuple[Sign, ...]
    evidence: str


def propose(figures: Figures, options: ReviewOptions) -> Proposal:
    """Say what should become of a source.

    Dropped is what mostly refuses, is mostly broken, or is both short and alike: then the few
    words of an answer teach what the many rows before it taught. Of what is only short, or only
    alike, a sample stays. A share is over its limit where its whole interval is.

    Args:
        figures: of the source.
        options: limits.

    Source:
        Anand et al. 2023 (GPT4All), https://arxiv.org/abs/2311.04931: P3, one-word answers to
        homogeneous prompts, was removed after people had looked at a map. Differs: figures and
        limits instead of a look.
    """
    if figures.measured < options.min_rows:
        text = f"{figures.measured} rows are too few to tell, {options.min_rows} would do"
        return Proposal(figures, "abstain", 1.0, (), text)
    signs = {sign.measure: sign for sign in _signs(figures, options)}
    bad = [signs[name] for name in ("refusals", "malformed") if _is_over(signs, name)]
    alike = [signs[name] for name in ALIKE if _is_over(signs, name)]
    short = [signs["short"]] if _is_over(signs, "short") else []
    if bad or (short and alike):
        return _settle(figures, "drop", 0.0, [*bad, *short, *alike])
    if short or alike:
        return _settle(figures, "sample", options.sample, [*short, *alike])
    unsure = [sign for sign in signs.values() if sign.is_over is None]
    if unsure:
        return _settle(figures, "abstain", 1.0, unsure)
    return Proposal(figures, "keep", 1.0, (), "every figure is within its limit")


def _is_over(signs: dict[str, Sign], name: str) -> bool:
    return name in signs and signs[name].is_over is True


def _settle(figures: Figures, action: Action, part: float, signs: list[Sign]) -> Proposal:
    evidence = "; ".join(sign.text for sign in signs)
    if figures.measured > figures.rows:
        gone = figures.measured - figures.rows
        evidence = (
            f"deduplication took {gone:,} of its {figures.measured:,} rows, of which {evidence}"
        )
    return Proposal(figures, action, part, tuple(signs), evidence)


def _signs(figures: Figures, options: ReviewOptions) -> Iterator[Sign]:
    """Hold each figure against its limit; those that could not be measured say nothing."""
    for name in _SAYS:
        sign = _share_sign(name, getattr(figures, name), getattr(options, f"max_{name}"))
        if sign is not None:
            yield sign
    if figures.homogeneity is not None:
        value, limit = figures.homogeneity, options.max_homogeneity
        text = f"two of its prompts have a cosine of {value:.2f} on average (limit {limit:.2f})"
        yield Sign("homogeneity", value, limit, value > limit, text)


def _share_sign(name: str, found: Interval, limit: float) -> Sign | None:
    value, low, high, n = found
    if value is None or low is None or high is None:
        return None
    is_over = True if low > limit else False if high <= limit else None
    text = f"{value:.0%} [{low:.0%}, {high:.0%}] of {n:,} {_SAYS[name].removeprefix('of the ')}"
    return Sign(name, value, limit, is_over, f"{text} (limit {limit:.0%})")
