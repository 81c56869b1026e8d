"""How a small model is led to an evolved task: examples, and the first words of the new one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Cue(NamedTuple):
    """What a small model sees: a label, examples, and how the rewritten task begins.

    Attributes:
        label: what the second line of a pair is called.
        pairs: a question and what became of it.
        keeps: whether the rewritten question begins with the whole of the first one.
        tail: what follows it.
    """

    label: str
    pairs: tuple[tuple[str, str], ...]
    keeps: bool
    tail: str = ""


#: Operator to what a small model sees.
CUES: Final[Mapping[str, Cue]] = MappingProxyType(
    {
        "add_constraints": Cue(
            "With one more condition",
            (
                (
                    "Why is sleep important?",
                    "Why is sleep important when a person works at night?",
                ),
                ("How is bread made?", "How is bread made when there is no oven?"),
                ("Why do people wear hats?", "Why do people wear hats when the sun shines?"),
            ),
            keeps=True,
            tail=" when",
        ),
        "deepen": Cue(
            "With a second part that goes deeper",
            (
                (
                    "Why is sleep important?",
                    "Why is sleep important, and what happens in the brain during it?",
                ),
                ("How is bread made?", "How is bread made, and what does the yeast do in it?"),
                ("Why do leaves fall?", "Why do leaves fall, and what becomes of them afterwards?"),
            ),
            keeps=True,
            tail=", and what",
        ),
        "concretise": Cue(
            "About one special kind",
            (
                ("Why is exercise important?", "Why is swimming important for older people?"),
                ("How are vegetables cooked?", "How are carrots cooked so that they stay sweet?"),
                ("Why do people keep animals?", "Why do people keep goats in the mountains?"),
            ),
            keeps=False,
        ),
        "increase_reasoning": Cue(
            "With a question that needs more thought",
            (
                (
                    "Why is sleep important?",
                    "Why is sleep important, and what would change if people slept half as long?",
                ),
                (
                    "How is bread made?",
                    "How is bread made, and what would change if the dough had no salt?",
                ),
                (
                    "Why do leaves fall?",
                    "Why do leaves fall, and what would change if winters became warm?",
                ),
            ),
            keeps=True,
            tail=", and what would change if",
        ),
        "complicate_input": Cue(
            "With a short text to work on",
            (
                (
                    "Why is sleep important?",
                    "Read the note and say why sleep is important. Input: Tom slept four hours. "
                    "At school he could not remember what he had read.",
                ),
                (
                    "How is bread made?",
                    "Read the note and say how bread is made. Input: Mix flour, water, salt and "
                    "yeast. Wait an hour. Bake for forty minutes.",
                ),
            ),
            keeps=False,
            tail="Read the note and say",
        ),
        "in_breadth": Cue(
            "A different question",
            (
                ("Why is sleep important?", "Why do some birds sleep while they fly?"),
                ("How is bread made?", "How is paper made from old clothes?"),
                ("Why do leaves fall?", "Why do some flowers close at night?"),
            ),
            keeps=False,
        ),
    }
)
