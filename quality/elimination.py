"""When a step of evolution has failed: the four rules of Evol-Instruct.

Source: Xu et al. 2023, WizardLM, https://arxiv.org/abs/2304.12244, section 3.2, "Elimination
Evolving". Differs: a text that did not change at all is no gain without anybody being asked; words
such as "yes" and "three", which can be a whole answer, are no stop words; a phrase that the task
itself had before is not copied.
"""

import re
from typing import Final

from quality.gates import Rejection
from quality.select.stop_words import STOP_WORDS

#: An apology shorter than this, in words, is a refusal.
SORRY_WORDS: Final = 80

#: What the prompts that ask for an evolution call things, here and in the paper.
PROMPT_PHRASES: Final = (
    "given prompt",
    "rewritten prompt",
    "created prompt",
    "given task",
    "rewritten task",
    "created task",
)

#: Stop words that can be a whole answer.
_CAN_ANSWER = """
yes no never always none nothing zero one two three four five six seven eight nine ten first second
third ja nein nie nichts zwei drei vier fünf sechs sieben acht neun zehn
"""
_NEUTRAL: Final = STOP_WORDS - frozenset(_CAN_ANSWER.split())
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def eliminate_task(parent: str, child: str) -> Rejection | None:
    """Name what is wrong with an evolved task by itself, null where nothing is.

    Args:
        parent: the task before the step, with its input.
        child: the task after it, likewise.

    Returns:
        `no_information_gain` where nothing but case and spaces changed, or `copies_prompt`.

    Example:
        >>> eliminate_task("Name a river.", "Rewritten prompt: Name a long river.").evidence
        'Rewritten prompt'
    """
    if _fold(parent) == _fold(child):
        return Rejection("no_information_gain", 1.0, 1.0, "the same text as before the step")
    before = _fold(parent)
    for phrase in PROMPT_PHRASES:
        found = re.search(phrase.replace(" ", r"[\s_#*]+"), child, re.IGNORECASE)
        if found is not None and phrase not in before:
            return Rejection("copies_prompt", evidence=found.group())
    return None


def eliminate_answer(answer: str) -> Rejection | None:
    """Name why an answer shows that the evolved task cannot be answered, null where it does not.

    Args:
        answer: to the evolved task.

    Returns:
        `sorry_answer` (value: its words) or `empty_words` (only punctuation and stop words).

    Example:
        >>> eliminate_answer("I am sorry, but I cannot do that.").rule
        'sorry_answer'
        >>> eliminate_answer("It is what it is ...").rule
        'empty_words'
        >>> eliminate_answer("42") is None
        True
    """
    words = len(answer.split())
    if "sorry" in answer.lower() and words < SORRY_WORDS:
        return Rejection("sorry_answer", float(words), float(SORRY_WORDS), answer[:200])
    said = (word.lower().replace("’", "'") for word in _WORD.findall(answer))
    if all(word in _NEUTRAL for word in said):
        return Rejection("empty_words", evidence=answer[:200])
    return None


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())
