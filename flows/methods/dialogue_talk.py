"""A dialogue under way, and what ends it."""

from dataclasses import dataclass, field

from flows.generators.profiles import Profile
from flows.generators.respond import parse_answer, read_confidence
from flows.methods.answering import reject_unusable
from quality.dialogue import Stop, judge_answer, judge_user_turn
from quality.formats.parse import Message
from schemas.recipe.generators.dialogue import DialogueOptions
from schemas.records import TeacherReply


@dataclass(slots=True)
class Talk:
    """A dialogue under way.

    Attributes:
        turns: of user and assistant in turn.
        asked: journal keys of all requests, in their order.
        heard: the reply that holds the last answer; before the first, the last reply.
    """

    turns: list[Message] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    heard: TeacherReply | None = None

    def said_by(self, role: str) -> list[str]:
        """The turns of one side."""
        return [turn["content"] for turn in self.turns if turn["role"] == role]

    def words(self) -> int:
        """Words of all turns."""
        return sum(len(turn["content"].split()) for turn in self.turns)

    def judge_answer(
        self, reply: TeacherReply, options: DialogueOptions, profile: Profile
    ) -> Stop | None:
        """Say whether the dialogue ends because of what the assistant says."""
        unusable = reject_unusable(reply)
        if unusable is not None:
            return Stop(unusable.rule, unusable.evidence or reply.text[-100:], unusable.value)
        bar, value = profile.min_confidence, read_confidence(reply)
        if bar is not None and value is not None and value < bar:
            return Stop("low_confidence", reply.text[:100], value)
        earlier = self.said_by("assistant")
        return judge_answer(parse_answer(reply), earlier, max_similarity=options.max_similarity)

    def judge_question(
        self, reply: TeacherReply, question: str, options: DialogueOptions
    ) -> Stop | None:
        """Say whether the dialogue ends because of what the user says."""
        if reply.error is not None:
            return Stop("teacher_error", reply.error)
        if reply.finish_reason == "length":
            return Stop("truncated_question", question[-100:], float(reply.completion_tokens))
        return judge_user_turn(
            question,
            self.said_by("user"),
            self.turns[-1]["content"],
            max_similarity=options.max_similarity,
        )

    def reach_limit(self, options: DialogueOptions) -> Stop | None:
        """Say whether the dialogue is as long as it may become."""
        number, words = len(self.said_by("user")), self.words()
        if number >= options.max_turns:
            return Stop("max_turns", value=float(number))
        if words >= options.max_words:
            return Stop("too_long", value=float(words))
        return None
