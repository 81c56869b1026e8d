"""One proposed task: asked, read, gated. Shared by methods that make up a task a job."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

from flows.generators.drawing import Draw
from flows.generators.profiles import Profile
from flows.generators.respond import read_confidence
from flows.generators.self_instruct import Proposal
from flows.methods.base import Kit
from flows.methods.jobs import Ask, Candidate, Draft, Gate, Step
from quality.formats.parse import single_exchange
from quality.gates import Rejection
from quality.ids import content_id
from schemas.records import GivenTask, TeacherReply, TeacherRequest


def is_small(profile: Profile) -> bool:
    """Tell whether the teacher continues texts better than it follows orders."""
    return profile.style == "topics"


def draw_of(profile: Profile, position: int) -> Draw:
    """How the job of a position draws what it makes up."""
    return Draw(profile.proposal_temperature, profile.proposal_max_tokens, position)


def task_id(instruction: str, context: str) -> str:
    """Return the id of a task: the content id of its user turn."""
    parsed = single_exchange(system="", instruction=instruction, context=context, output="")
    return content_id(parsed.messages[:-1])


def propose_task(
    kit: Kit,
    request: TeacherRequest,
    read: Callable[[TeacherReply], Proposal | None],
    *,
    arm: str = "",
    about: Mapping[str, Any] | None = None,
    check: Callable[[Proposal], Rejection | None] = lambda _: None,
) -> Generator[Step, Any, GivenTask | Draft]:
    """Ask for one task and take it to the gates, as a part of a job.

    Args:
        kit: of the method.
        request: that asks for the task.
        read: what of a reply is the task, null where nothing is.
        arm: what was chosen to make it.
        about: what is known of it.
        check: the method's own rule, before the gates.

    Returns:
        The task, which knows the key of its request; or the draft of why there is none.
    """
    (reply,) = yield Ask([request])
    found = read(reply) if reply.error is None else None
    rejection = _refuse(kit.profile, reply, found)
    if rejection is None and found is not None:
        rejection = check(found)
    if rejection is None and found is not None:
        name = task_id(found.instruction, found.input)
        (rejection,) = yield Gate([Candidate(name, found.instruction, found.truncated)])
    if rejection is None and found is not None:
        return GivenTask(
            name,
            found.instruction,
            found.input,
            arm=arm,
            about={**(about or {}), "proposed_by": reply.key},
        )
    return Draft(
        reply,
        instruction=found.instruction if found else "",
        input=found.input if found else "",
        arm=arm,
        about=about,
        rejection=rejection,
    )


def _refuse(profile: Profile, reply: TeacherReply, found: Proposal | None) -> Rejection | None:
    if reply.error is not None:
        return Rejection("teacher_error", evidence=reply.error)
    if found is None:
        return Rejection("unparsable_reply", evidence=reply.text[:200])
    return reject_unlikely(profile, reply)


def reject_unlikely(profile: Profile, reply: TeacherReply) -> Rejection | None:
    """Reject a task that its own teacher found improbable while writing it.

    Args:
        profile: with the bar.
        reply: that holds one task and nothing else.
    """
    bar, value = profile.min_task_confidence, read_confidence(reply)
    if bar is None or value is None or value >= bar:
        return None
    return Rejection("unlikely_task", value, bar)
