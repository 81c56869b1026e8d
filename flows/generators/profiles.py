"""Generation settings for small and for large teachers.

What makes a 135M model usable (short lists, greedy answers, only those it is sure of) would waste a
good one, so a recipe that says nothing gets the profile of its teacher.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from flows.generators.self_instruct import Style
from schemas.recipe import TeacherOptions
from schemas.recipe.generators.answers import GeneratorBase


@dataclass(frozen=True, slots=True)
class Profile:
    """How tasks are proposed and answered.

    Attributes:
        style: see `render_proposals`.
        categories: seed categories that are shown; null shows all.
        examples_per_prompt: seeds in a request.
        proposals_per_request: new tasks asked for in a request.
        proposal_temperature: of the list of tasks.
        proposal_max_tokens: limit of the list, in tokens.
        avoid_words: words that a proposed task must not contain.
        system: system turn under which answers are asked for; it does not enter the dataset.
        answers_per_task: answers of which the best is kept.
        answer_temperature: null takes the teacher's.
        answer_max_tokens: limit of an answer, in tokens; null takes the teacher's.
        asks_confidence: whether log-probabilities are asked for.
        min_confidence: mean log-probability of an answer's tokens below which it is dropped.
        min_task_confidence: the same for a proposed task; nonsense is improbable. For a request
            that proposes one task only.
        max_echo: share of an answer that may be copied from its task.
        min_agreement: agreement of a task's answers below which it is dropped.
        gate_yield: share of proposed tasks that pass the gates, for `plan`.
        answer_yield: share of answered tasks that are published, for `plan`.
    """

    style: Style = "chat"
    categories: tuple[str, ...] | None = None
    examples_per_prompt: int = 3
    proposals_per_request: int = 10
    proposal_temperature: float = 1.0
    proposal_max_tokens: int = 2048
    avoid_words: tuple[str, ...] = ()
    system: str | None = None
    answers_per_task: int = 1
    answer_temperature: float | None = None
    answer_max_tokens: int | None = None
    asks_confidence: bool = False
    min_confidence: float | None = None
    min_task_confidence: float | None = None
    max_echo: float | None = None
    min_agreement: float | None = None
    gate_yield: float = 0.7
    answer_yield: float = 0.7


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "large": Profile(),
        "small": Profile(
            style="topics",
            # The seeds that are shown decide what is proposed: common-sense questions are what a
            # small model answers well.
            categories=("commonsense",),
            examples_per_prompt=8,
            proposals_per_request=1,
            proposal_temperature=0.5,
            proposal_max_tokens=30,
            # Superlatives and personal questions make it invent facts.
            avoid_words=(
                *("most", "best", "biggest", "largest", "greatest", "fastest", "longest", "oldest"),
                *("first", "ever", "favorite", "favourite", "origin", "you", "your"),
            ),
            system="You are a helpful assistant. Keep every answer short: at most three sentences.",
            answer_temperature=0.0,
            answer_max_tokens=90,
            asks_confidence=True,
            min_confidence=-0.63,
            min_task_confidence=-1.4,
            max_echo=0.225,
            gate_yield=0.45,
            answer_yield=0.16,
        ),
    }
)


def resolve_profile(
    options: GeneratorBase, teacher: TeacherOptions, *, is_embedded: bool
) -> Profile:
    """Return the settings of a generator: what the recipe says, else those of its profile.

    Args:
        options: of the generator.
        teacher: for temperature and token limit where nothing else names them.
        is_embedded: whether the embedded teacher answers.
    """
    name = getattr(options, "profile", "auto")
    if name == "auto":
        name = "small" if is_embedded else "large"
    profile = PROFILES[name]
    stated = {
        field: value
        for field in Profile.__dataclass_fields__
        if (value := getattr(options, field, None)) is not None
    }
    profile = replace(profile, **stated)
    return replace(
        profile,
        asks_confidence=profile.asks_confidence or profile.min_confidence is not None,
        answer_temperature=(
            teacher.temperature
            if profile.answer_temperature is None
            else profile.answer_temperature
        ),
        answer_max_tokens=profile.answer_max_tokens or teacher.max_tokens,
    )
