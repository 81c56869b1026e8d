"""What the review of sources looks for."""

from typing import Literal

from pydantic import Field, PositiveInt

from schemas.recipe.base import Options, Share


class ReviewOptions(Options):
    """Each source as a whole: keep it, keep a sample of it, or drop it; with the evidence."""

    apply: bool = Field(
        False, description="do what is proposed; false: say it in manifest, card and report"
    )
    per: Literal["source", "arm", "file"] = Field(
        "source", description="column whose values are looked at one by one"
    )
    min_rows: PositiveInt = Field(30, description="of fewer rows nothing is said")
    short_words: PositiveInt = Field(1, description="words of a short answer, at most")
    max_short: Share = Field(0.5, description="share of short answers")
    max_refusals: Share = Field(0.3, description="share of answers that refuse")
    max_malformed: Share = Field(0.3, description="share of broken answers, such as empty ones")
    max_homogeneity: Share = Field(0.35, description="mean cosine of two of its prompts")
    max_same_answers: Share = Field(0.5, description="share of its ten most frequent answers")
    max_same_openings: Share = Field(
        0.5, description="share of prompts with one of its five most frequent first four words"
    )
    sample: Share = Field(0.25, description="share of its rows that stays where some should go")
