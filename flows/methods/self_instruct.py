"""Alpaca's loop: propose tasks after the manner of seeds, gate them, answer what passes.

Source: Stanford Alpaca, generate_instruction.py (2023). Differs: answers are asked for one by one,
not in the list of tasks.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import NamedTuple, cast

from flows.generators.respond import with_confidence
from flows.generators.self_instruct import (
    Proposal,
    parse_proposals,
    parse_topic_proposal,
    render_proposals,
    render_topic_proposal,
)
from flows.methods.answering import answer_requests, keep_best
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.jobs import Ask, Candidate, Draft, Gate, Job
from flows.methods.proposing import reject_unlikely, task_id
from flows.seeds import fits, load_seeds, load_topic_groups
from flows.store import hash_json
from quality.gates import Rejection
from schemas.errors import InputError
from schemas.recipe.generators.self_instruct import SelfInstructOptions
from schemas.records import GivenTask, TeacherReply, TeacherRequest


class _Proposed(NamedTuple):
    """A rendered proposal request, the seeds it shows and the first words it gives."""

    request: TeacherRequest
    parents: tuple[str, ...]
    opener: str = ""


class SelfInstruct(Method):
    """Makes up tasks until enough rows are accepted."""

    proposes = True

    def __init__(self, kit: Kit) -> None:
        """Read seeds and topics.

        Raises:
            InputError: if a line is no seed task, or none fits.
        """
        super().__init__(kit)
        self._options = cast("SelfInstructOptions", kit.options)
        self.tasks_per_job = kit.profile.proposals_per_request
        self._seeds = load_seeds(kit.session, self._options)
        self._shown = [seed for seed in self._seeds if fits(seed, kit.profile.categories)]
        self._groups = load_topic_groups(kit.languages)

    @property
    def fingerprint(self) -> str:
        """Hash of the seeds."""
        return hash_json([asdict(seed) for seed in self._seeds])

    def known(self) -> Iterator[tuple[str, str]]:
        """The seeds."""
        return ((seed.id, seed.instruction) for seed in self._seeds)

    @property
    def arms(self) -> tuple[str, ...]:
        """Groups of topics, or categories of the seeds that are shown."""
        if self.kit.profile.style == "topics":
            return tuple(self._groups)
        return tuple(sorted({seed.category for seed in self._shown}))

    def job(self, position: int, arm: str) -> Job:
        """Propose tasks, gate them, answer those that pass."""
        proposed = self._request(position, arm)
        (reply,) = yield Ask([proposed.request])
        if reply.error is not None:
            rejection = Rejection("teacher_error", evidence=reply.error)
            return [Draft(reply, parents=proposed.parents, arm=arm, rejection=rejection)]
        found = self._read(proposed, reply)
        if not found:
            rejection = Rejection("unparsable_reply", evidence=reply.text[:200])
            return [Draft(reply, parents=proposed.parents, arm=arm, rejection=rejection)]
        is_single = self.kit.profile.proposals_per_request == 1
        unlikely = reject_unlikely(self.kit.profile, reply) if is_single else None
        verdicts: Sequence[Rejection | None] = [unlikely] * len(found)
        if unlikely is None:
            verdicts = yield Gate([_candidate(item) for item in found])
        drafts, accepted = [], []
        for item, verdict in zip(found, verdicts, strict=True):
            if verdict is None:
                accepted.append(
                    GivenTask(
                        _candidate(item).id,
                        item.instruction,
                        item.input,
                        proposed.parents,
                        arm=arm,
                    )
                )
            else:
                drafts.append(
                    Draft(
                        reply,
                        instruction=item.instruction,
                        input=item.input,
                        parents=proposed.parents,
                        arm=arm,
                        rejection=verdict,
                    )
                )
        requests = [request for task in accepted for request in answer_requests(self.kit, task)]
        replies = yield Ask(requests)
        number = self.kit.profile.answers_per_task
        for place, task in enumerate(accepted):
            answers = replies[place * number : (place + 1) * number]
            drafts += keep_best(self.kit.profile, task, answers)
        return drafts

    def forecast(self) -> Forecast:
        """Enough proposals for the target, and the answers to those that pass."""
        profile, target = self.kit.profile, self._options.target
        tasks = math.ceil(target / profile.answer_yield)
        proposals = math.ceil(tasks / profile.gate_yield / profile.proposals_per_request)
        lengths = [len((seed.instruction + seed.input).encode()) for seed in self._shown]
        mean = sum(lengths) / len(lengths)
        asked = (self._request(position).request for position in range(proposals))
        return Forecast(
            [
                Wave(
                    proposals,
                    asked,
                    reply_bytes=profile.proposals_per_request * (mean + 16),
                    limit=profile.proposal_max_tokens,
                ),
                Wave(
                    tasks * profile.answers_per_task,
                    prompt_bytes=mean + 80,
                    limit=self.kit.max_tokens,
                ),
            ],
            rows=target,
            assumptions=f"{profile.gate_yield:.0%} of proposed tasks pass the gates, "
            f"{profile.answer_yield:.0%} of answered ones every rule",
        )

    def _request(self, position: int, arm: str = "") -> _Proposed:
        """Render a request for new tasks; it depends on the recipe's seed, position and arm."""
        kit, profile = self.kit, self.kit.profile
        if profile.style == "topics":
            return self._topic_request(position, arm)
        rng = random.Random(f"{kit.seed}:{kit.name}:{position}")
        fitting = [seed for seed in self._shown if arm in ("", seed.category)]
        shown = rng.sample(fitting, k=min(profile.examples_per_prompt, len(fitting)))
        request = render_proposals(
            shown,
            style=profile.style,
            number=profile.proposals_per_request,
            temperature=profile.proposal_temperature,
            max_tokens=profile.proposal_max_tokens,
            sample=position,
        )
        return _Proposed(request, tuple(seed.id for seed in shown))

    def _topic_request(self, position: int, arm: str) -> _Proposed:
        """Take every topic once before any comes again, each time with first words of some seed."""
        kit, profile = self.kit, self.kit.profile
        rng = random.Random(f"{kit.seed}:{kit.name}")
        marked = [seed for seed in self._shown if seed.topic]
        shown = rng.sample(marked, k=min(profile.examples_per_prompt, len(marked)))
        groups = self._groups.items()
        topics = [topic for name, group in groups if arm in ("", name) for topic in group]
        rng.shuffle(topics)
        openers = sorted({seed.opener for seed in marked})
        if not topics or not openers:
            msg = (
                "expected built-in topics and seeds with a topic for style 'topics' in "
                f"{list(kit.languages)!r}, got none: use style 'completions' or 'chat'"
            )
            raise InputError(msg)
        opener = random.Random(f"{kit.seed}:{kit.name}:{position}").choice(openers)
        request = render_topic_proposal(
            shown,
            topic=topics[position % len(topics)],
            opener=opener,
            temperature=profile.proposal_temperature,
            max_tokens=profile.proposal_max_tokens,
            sample=position,
        )
        if profile.min_task_confidence is not None:
            request = with_confidence(request)
        return _Proposed(request, tuple(seed.id for seed in shown), opener)

    def _read(self, proposed: _Proposed, reply: TeacherReply) -> list[Proposal]:
        profile = self.kit.profile
        if profile.style == "topics":
            return parse_topic_proposal(reply, opener=proposed.opener)
        return parse_proposals(reply, style=profile.style, number=profile.proposals_per_request)


def _candidate(item: Proposal) -> Candidate:
    name = task_id(item.instruction, item.input)
    return Candidate(name, item.instruction, is_truncated=item.truncated)
