"""Message trees that the teacher grows: replies, rankings merged by ranked pairs, more questions.

Source: Köpf et al. 2023, https://arxiv.org/abs/2304.07327, whose volunteers wrote and ranked all
messages; number of replies, depth, goal and rankings are those of their collector. Differs: the
teacher plays all parts, and a ranking counts only where the places of the replies level out.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeAlias, TypeVar, cast

from flows.generators.dialogue import Part, render_user_turn
from flows.generators.drawing import Draw
from flows.generators.respond import parse_answer
from flows.generators.tree import (
    parse_question,
    parse_ranking,
    render_question,
    render_ranking,
    render_reply,
)
from flows.methods.answering import reject_unusable
from flows.methods.base import Forecast, Kit, Wave
from flows.methods.jobs import Ask, Draft, Job
from flows.methods.proposing import is_small
from flows.methods.respond import FromPrompts
from quality.dialogue import Stop, judge_user_turn
from quality.formats.parse import single_exchange
from quality.gates import Rejection
from quality.ids import content_id
from quality.text import normalise_text
from quality.trees.growing import Grown, as_tree, best_and_worst, count_asked, may_go_on
from quality.trees.rankings import merge_verdicts, presentations
from schemas.recipe.generators.tree import GrowOptions
from schemas.records import GivenTask, TeacherReply, TeacherRequest

_Result = TypeVar("_Result")
_Step: TypeAlias = Generator[Ask, Any, _Result]


#: ROUGE-L with an earlier question from which on one asks nothing new, as in dialogues.
_MAX_SIMILARITY = 0.7


@dataclass(slots=True)
class _Growth:
    """A tree under way.

    Attributes:
        task: of its prompt.
        prompt: its first message.
        came_by: the reply that a message came in, by the message's id.
        losses: attempts that are no message of the tree.
        abstained: rankings that could not be read.
    """

    task: GivenTask
    prompt: Grown
    came_by: dict[str, TeacherReply] = field(default_factory=dict)
    losses: list[Draft] = field(default_factory=list)
    abstained: int = 0

    def draft(self, message: Grown, reply: TeacherReply) -> Draft:
        """Return the conversation up to a message."""
        return Draft(
            reply, messages=message.turns, parents=(self.task.id,), license=self.task.license
        )

    def lose(self, message: Grown, reply: TeacherReply, rejection: Rejection) -> None:
        """Keep an attempt at a message below another one."""
        self.losses.append(replace(self.draft(message, reply), rejection=rejection))


class GrowTrees(FromPrompts):
    """Grows a tree from each prompt of a file."""

    def __init__(self, kit: Kit) -> None:
        """Read the prompts.

        Raises:
            InputError: if the file is missing or not readable at all.
        """
        super().__init__(kit)
        self._options = cast("GrowOptions", kit.options)
        self.first_questions = self._options.children

    def jobs(self) -> Iterator[Job]:
        """One for each prompt."""
        return map(self._grow, self._prompts.tasks)

    def forecast(self) -> Forecast:
        """Whole trees: replies, their rankings and the questions between them."""
        options, tasks = self._options, self._prompts.tasks
        levels = count_asked(
            children=options.children, depth=options.depth, goal=options.goal_messages
        )
        asked = len(tasks) * sum(levels)
        gone_on = len(tasks) * sum(map(min, levels, levels[1:]))
        names = [str(number) for number in range(options.children)]
        orders = len(presentations(names, options.rankings, seed=0))
        limit = self.kit.max_tokens
        known = (one for task in tasks for one in self._reply_requests(_start(task)))
        material = 1_500 + 3.0 * limit  # the conversation and what is said around it, in bytes
        return Forecast(
            [
                Wave(asked * options.children, known, limit=limit),
                Wave(
                    asked * orders,
                    prompt_bytes=material + 3.0 * limit * options.children,
                    limit=options.ranking_max_tokens,
                ),
                Wave(asked - len(tasks), prompt_bytes=material, limit=limit),
            ],
            rows=asked if options.take == "pairs" else asked - gone_on,
            assumptions="every reply comes, and every ranking is decided",
        )

    def _grow(self, task: GivenTask) -> Job:
        """Grow one tree, level by level."""
        growth = _Growth(task, _start(task))
        asked = [growth.prompt]
        while asked:
            yield from self._get_replies(growth, asked)
            yield from self._rank(growth, asked)
            asked = yield from self._ask_on(growth, asked)
        return self._rows(growth)

    def _get_replies(self, growth: _Growth, asked: Sequence[Grown]) -> _Step[None]:
        requests = [self._reply_requests(message) for message in asked]
        came = iter((yield Ask([one for several in requests for one in several])))
        for message, several in zip(asked, requests, strict=True):
            for reply in islice(came, len(several)):
                text = normalise_text(parse_answer(reply))
                rejection = reject_unusable(reply)
                if rejection is None and not text:
                    rejection = Rejection("empty_answer")
                added = None if rejection else message.reply(text, model=reply.model)
                if added is None:
                    growth.lose(message, reply, rejection or Rejection("same_answer"))
                else:
                    growth.came_by[added.id] = reply

    def _reply_requests(self, message: Grown) -> list[TeacherRequest]:
        kit = self.kit
        return [
            render_reply(
                message.turns,
                system=kit.profile.system,
                temperature=kit.temperature,
                max_tokens=kit.max_tokens,
                sample=sample,
            )
            for sample in range(self._options.children)
        ]

    def _rank(self, growth: _Growth, asked: Sequence[Grown]) -> _Step[None]:
        """Have the replies to each message ranked, in orders that level out their places."""
        options, seed = self._options, self.kit.seed
        shown: list[tuple[Grown, list[Grown], int]] = []
        for message in asked:
            by_id = {one.id: one for one in message.replies}
            orders = presentations(list(by_id), options.rankings, seed=seed)
            shown += [
                (message, [by_id[name] for name in order], sample)
                for sample, order in enumerate(orders)
            ]
        came = yield Ask(
            [
                render_ranking(
                    message.turns,
                    [one.text for one in order],
                    max_tokens=options.ranking_max_tokens,
                    seed=seed,
                    sample=sample,
                )
                for message, order, sample in shown
            ]
        )
        verdicts: dict[str, list[list[str] | None]] = {}
        for (message, order, _), reply in zip(shown, came, strict=True):
            texts = [one.text for one in order]
            places = parse_ranking(reply, message.turns, texts, seed=seed)
            found = None if places is None else [order[place].id for place in places]
            verdicts.setdefault(message.id, []).append(found)
            growth.abstained += found is None
        for message in asked:
            message.rank_replies(merge_verdicts(verdicts.get(message.id, [])))

    def _ask_on(self, growth: _Growth, asked: Sequence[Grown]) -> _Step[list[Grown]]:
        """Have a question written below the best replies, as many as there is room for."""
        options = self._options
        chosen = may_go_on(
            growth.prompt,
            asked,
            children=options.children,
            depth=options.depth,
            goal=options.goal_messages,
        )
        came = yield Ask([self._question_request(message) for message in chosen])
        questions = []
        for message, reply in zip(chosen, came, strict=True):
            text = parse_question(reply, message.turns, seed=self.kit.seed)
            stop = None if text is None else _judge_question(text, message)
            question = None if text is None or stop else message.reply(text, model=reply.model)
            if question is None:
                why = reply.error or (f"{stop.rule}: {stop.evidence}" if stop else reply.text)
                growth.lose(message, reply, Rejection("no_question", evidence=why[:200]))
            else:
                growth.came_by[question.id] = reply
                questions.append(question)
        return questions

    def _question_request(self, message: Grown) -> TeacherRequest:
        """Ask for what the person says next; a small model goes on with a transcript instead."""
        kit = self.kit
        if is_small(kit.profile):
            draw = Draw(kit.temperature, kit.profile.proposal_max_tokens, 0)
            return render_user_turn(message.turns, part=Part(is_small=True), draw=draw)
        return render_question(
            message.turns, temperature=kit.temperature, max_tokens=kit.max_tokens, seed=kit.seed
        )

    def _rows(self, growth: _Growth) -> list[Draft]:
        """Return the rows of a tree, and each message that is in none."""
        about = {
            "message_tree_id": growth.prompt.id,
            "abstained_rankings": growth.abstained,
            "tree": as_tree(growth.prompt),
        }
        rows, used = [], set[str]()
        for best, worst in best_and_worst(growth.prompt, self._options.take):
            draft = growth.draft(best, growth.came_by[best.id])
            rejected = None if worst is None else worst.text
            rows.append(replace(draft, rejected=rejected, about=about))
            used |= {content_id(best.turns[:length]) for length in range(1, len(best.turns) + 1)}
            used |= set() if worst is None else {worst.id}
        for one in growth.prompt.walk():
            if one.id in growth.came_by and one.id not in used:
                draft = growth.draft(one, growth.came_by[one.id])
                rows.append(replace(draft, rejection=self._why_left(one)))
        return [*rows, *growth.losses]

    def _why_left(self, message: Grown) -> Rejection:
        if message.turns[-1]["role"] == "user":
            return Rejection("unanswered")
        if self._options.take == "pairs":
            return Rejection("unpaired")
        if message.rank is None:
            return Rejection("not_ranked")
        return Rejection("lower_ranked", float(message.rank), 0.0)


def _start(task: GivenTask) -> Grown:
    parsed = single_exchange(system="", instruction=task.instruction, context=task.input, output="")
    return Grown(tuple(parsed.messages[:1]))


def _judge_question(text: str, message: Grown) -> Stop | None:
    """Say why a message is none that a person would go on with."""
    earlier = [turn["content"] for turn in message.turns if turn["role"] == "user"]
    answer = message.turns[-1]["content"]
    return judge_user_turn(text, earlier, answer, max_similarity=_MAX_SIMILARITY)
