"""Magpie: let the teacher write the user's turn, and read it.

Source: Xu et al. 2024, https://arxiv.org/abs/2406.08464. Differs: the head of the turn is computed
from the chat template, the questions pass the gates, and longer answers are not preferred.
"""

from collections.abc import Sequence

from flows.generators.drawing import Draw, continue_text
from flows.generators.self_instruct import Proposal
from quality.text import normalise_text
from schemas.records import TeacherReply, TeacherRequest


def render_query(head: str, *, stops: Sequence[str], draw: Draw) -> TeacherRequest:
    """Let the teacher continue a chat that breaks off where the user's words begin.

    Args:
        head: the chat up to there, in the words of its template.
        stops: texts at which a user's turn is over.
        draw: how the turn is drawn.
    """
    return continue_text(head, draw, stops=stops)


def parse_query(reply: TeacherReply, *, stops: Sequence[str]) -> Proposal | None:
    r"""Return the user's turn; null where it is empty; never raises.

    Args:
        reply: of a request from `render_query`.
        stops: as given there; a server may have written one out.

    Example:
        >>> parse_query(TeacherReply("k", text=" Why?<|im_end|>\n"), stops=["<|im_end|>"])
        Proposal(instruction='Why?', input='', truncated=False)
    """
    text = reply.text.lstrip()
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    question = normalise_text(text[: min(places)] if places else text)
    if not question:
        return None
    is_cut = reply.finish_reason == "length" and not places
    return Proposal(question, truncated=is_cut)
