"""Rows in other languages: translated, checked, translated back and compared."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, cast

import polars as pl

from flows.generators.translate import (
    LANGUAGE_NAMES,
    parse_translation,
    render_small_translation,
    render_translation,
)
from flows.methods.answering import reject_unusable
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.jobs import Ask, Draft, Job
from flows.methods.material import is_new, lasting_facts, read_rows, single_turn
from quality.gates import Rejection
from quality.scorers.language import identify
from quality.translation.checks import check_round_trip, check_translation
from quality.translation.chrf import chrf
from quality.translation.protected import Protected, protect, restore
from schemas.errors import InputError
from schemas.recipe.generators.translate import TranslateOptions
from schemas.records import TeacherReply, TeacherRequest

#: Parts of a row that are translated, those that are there.
_FIELDS = ("system", "instruction", "input", "rejected", "output")


class _Work(NamedTuple):
    """One row on its way into one language.

    Attributes:
        row: of ROWS.
        languages: from and to.
        texts: field to its text, with marks.
    """

    row: Mapping[str, Any]
    languages: tuple[str, str]
    texts: Mapping[str, Protected]


class Translate(Method):
    """Goes over rows once, for each language."""

    def __init__(self, kit: Kit) -> None:
        """Check the languages; the rows are read at first use.

        Raises:
            InputError: if a language is unknown.
        """
        super().__init__(kit)
        self._options = options = cast("TranslateOptions", kit.options)
        unknown = [code for code in options.to if code not in LANGUAGE_NAMES]
        if unknown:
            known = ", ".join(LANGUAGE_NAMES)
            msg = f"expected languages of {known}, got {unknown[0]!r} in `to`: correct it"
            raise InputError(msg)
        self._given = read_rows(kit, options)

    @property
    def fingerprint(self) -> str | None:
        """Hash of the file."""
        return self._given.fingerprint

    @property
    def arms(self) -> tuple[str, ...]:
        """The languages."""
        return self._options.to

    def jobs(self) -> Iterator[Job]:
        """One for each row and language that it is not in."""
        return (self._translate(work) for work in self._work)

    def count_jobs(self) -> int:
        """One for each row and language that it is not in."""
        return len(self._work)

    def unreadable(self) -> Iterator[Draft]:
        """Records that are no row, and conversations of several turns."""
        yield from self._given.unreadable
        for row in self._given.rows:
            if not single_turn(row):
                yield Draft(
                    None,
                    messages=row["messages"],
                    parents=(row["id"],),
                    license=row["license"],
                    raw=row["raw"],
                    rejection=Rejection("several_turns", len(row["messages"] or ()), 3),
                )

    def forecast(self) -> Forecast:
        """Every text there, and back what was good."""
        asked = [self._request(text, work.languages) for work in self._work
                 for text in work.texts.values()]  # fmt: skip
        lengths = [len(text.text) for work in self._work for text in work.texts.values()]
        mean = sum(lengths) / max(len(lengths), 1)
        there = Wave(len(asked), asked, reply_bytes=1.2 * mean, limit=self.kit.max_tokens)
        back = Wave(len(asked), prompt_bytes=mean + 700, reply_bytes=mean, limit=there.limit)
        return Forecast(
            [there, back],
            rows=round(len(self._work) * self.kit.profile.answer_yield),
            assumptions="as long back as there; rows of generators before are not counted",
        )

    @cached_property
    def _work(self) -> list[_Work]:
        rows = [row for row in self._given.rows if single_turn(row)]
        spoken = identify(pl.Series([_prose(row) for row in rows], dtype=pl.String))
        found = []
        for row, code in zip(rows, spoken, strict=True):
            source = code if code in LANGUAGE_NAMES else self.kit.languages[0]
            texts = {name: protect(row[name]) for name in _FIELDS if row[name]}
            found += [
                _Work(row, (source, to), texts)
                for to in self._options.to
                if to != source and is_new(self.kit, row["id"], to)
            ]
        return found

    def _translate(self, work: _Work) -> Job:
        replies = yield Ask([self._request(text, work.languages) for text in work.texts.values()])
        about: dict[str, Any] = {
            **lasting_facts(work.row["about"]),
            "from": work.languages[0],
            "to": work.languages[1],
            "keys": [reply.key for reply in replies],
        }
        marked = [parse_translation(reply) if reply.error is None else "" for reply in replies]
        named = dict(zip(work.texts, marked, strict=True))
        made = {name: restore(text, work.texts[name]) for name, text in named.items()}
        problems = [
            reject_unusable(reply)
            or check_translation(source, translated, languages=work.languages)
            for reply, source, translated in zip(replies, work.texts.values(), marked, strict=True)
        ]
        failed = _first(replies, problems)
        if failed is not None:
            return [_draft(work, made, about, *failed)]
        sources = [protect(text) for text in made.values()]
        languages = work.languages[1], work.languages[0]
        returned = yield Ask([self._request(text, languages) for text in sources])
        about["back_keys"] = [reply.key for reply in returned]
        backs = [
            restore(parse_translation(reply), text) if reply.error is None else ""
            for reply, text in zip(returned, sources, strict=True)
        ]
        texts = [str(work.row[name]) for name in work.texts]
        about["round_trip"] = {
            name: round(chrf(back, text), 4)
            for name, back, text in zip(work.texts, backs, texts, strict=True)
        }
        problems = [
            reject_unusable(reply) or check_round_trip(text, back, bar=self._options.min_round_trip)
            for reply, text, back in zip(returned, texts, backs, strict=True)
        ]
        failed = _first(replies, problems)
        return [_draft(work, made, about, *(failed or (replies[-1], None)))]

    def _request(self, text: Protected, languages: tuple[str, str]) -> TeacherRequest:
        limit = max(self.kit.max_tokens, len(text.text) // 2 + 64)
        if self.kit.profile.style == "topics":
            return render_small_translation(text, languages=languages, max_tokens=limit)
        temperature = self._options.answer_temperature or 0.0
        return render_translation(
            text, languages=languages, temperature=temperature, max_tokens=limit
        )


def _first(
    replies: Sequence[TeacherReply], problems: Sequence[Rejection | None]
) -> tuple[TeacherReply, Rejection] | None:
    """Return the first field's problem, with the reply that has it."""
    pairs = zip(replies, problems, strict=True)
    return next(((reply, problem) for reply, problem in pairs if problem is not None), None)


def _draft(
    work: _Work,
    made: Mapping[str, str],
    about: Mapping[str, Any],
    reply: TeacherReply,
    rejection: Rejection | None,
) -> Draft:
    return Draft(
        reply,
        instruction=made.get("instruction", ""),
        input=made.get("input", ""),
        output=made.get("output", ""),
        system=made.get("system", ""),
        rejected=made.get("rejected"),
        parents=(work.row["id"],),
        arm=work.languages[1],
        about=about,
        license=work.row["license"],
        rejection=rejection,
    )


def _prose(row: Mapping[str, Any]) -> str:
    """The text whose language a row's is: all of it, since an answer alone may be short."""
    return "\n".join(row[name] or "" for name in ("instruction", "input", "output"))
