"""Weak rows, criticised and answered again.

Source: Madaan et al. 2023 (Self-Refine), https://arxiv.org/abs/2303.17651. Differs: one round; the
answer before stays in the data, and deduplication keeps the better of the two.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import polars as pl

from flows.generators.respond import parse_answer, render_answer
from flows.generators.revise import (
    parse_critique,
    render_critique,
    render_rewrite,
    render_small_critique,
    strip_preface,
)
from flows.methods.answering import reject_unusable
from flows.methods.base import Forecast, Kit, Method, Wave
from flows.methods.jobs import Ask, Draft, Job
from flows.methods.material import is_new, lasting_facts, read_rows, single_turn
from quality.documents.quotes import fold_quote
from quality.gates import Rejection
from quality.judging.material import Material, materials
from quality.scorers import SCORERS, add_scores
from quality.scorers.refusal import refusal
from schemas.errors import InputError
from schemas.frames import ROWS
from schemas.recipe.generators.revise import ReviseOptions
from schemas.records import TeacherReply, TeacherRequest

_LOWEST = 0.2  # share of the rows, where the recipe names no rule
_REFUSES = 0.5
_ARM = "revise"


class Revise(Method):
    """Goes over weak rows once."""

    def __init__(self, kit: Kit) -> None:
        """Read the rows.

        Raises:
            InputError: if a file cannot be read, or no row has the score.
        """
        super().__init__(kit)
        self._options = cast("ReviseOptions", kit.options)
        self._given = read_rows(kit, self._options)
        self._is_small = kit.profile.style == "topics"

    @property
    def fingerprint(self) -> str | None:
        """Hash of the file."""
        return self._given.fingerprint

    def jobs(self) -> Iterator[Job]:
        """One for each weak row."""
        return (self._revise(row, score) for row, score in self._weak)

    def count_jobs(self) -> int:
        """One for each weak row."""
        return len(self._weak)

    def unreadable(self) -> Iterator[Draft]:
        """Records that are no row, and ids that no row has."""
        yield from self._given.unreadable
        known = {row["id"] for row in self._given.rows}
        for name in self._options.ids:
            if name not in known:
                rejection = Rejection("unknown_row", evidence=f"no row has the id {name[:64]!r}")
                yield Draft(None, parents=(name,), rejection=rejection, action="quarantine")

    def forecast(self) -> Forecast:
        """A critique and a new answer each."""
        asked = [self._critique_request(row) for row, _ in self._weak]
        limit = self._options.critique_max_tokens
        waves = [
            Wave(len(asked), asked, limit=limit),
            Wave(len(asked), prompt_bytes=2_000, limit=self.kit.max_tokens),
        ]
        share = self.kit.profile.answer_yield
        return Forecast(
            waves,
            rows=round(len(asked) * share),
            assumptions=f"{share:.0%} of new answers better; rows of generators before not counted",
        )

    @cached_property
    def _weak(self) -> Sequence[tuple[Mapping[str, Any], float | None]]:
        """Weak rows with their score, those without a score only by id."""
        rows = [
            row
            for row in self._given.rows
            if single_turn(row) and row["output"] and is_new(self.kit, row["id"], _ARM)
        ]
        scores = self._scores(rows)
        rated = list(zip(rows, scores, strict=True))
        options = self._options
        if options.ids:
            return [pair for pair in rated if pair[0]["id"] in options.ids]
        known = [(row, score) for row, score in rated if score is not None]
        if options.below is not None:
            return [(row, score) for row, score in known if score < options.below]
        number = math.ceil((options.lowest or _LOWEST) * len(known))
        return sorted(known, key=lambda pair: (pair[1], pair[0]["id"]))[:number]

    def _scores(self, rows: list[dict[str, Any]]) -> list[float | None]:
        name = self._options.score
        frame = pl.DataFrame(rows, schema=dict(ROWS))
        if name in SCORERS:
            found: list[float | None] = add_scores(frame, [name])[name].cast(pl.Float64).to_list()
            return found
        read = frame["raw"].str.json_path_match(f"$['{name}']").cast(pl.Float64, strict=False)
        if rows and not self._options.ids and read.null_count() == len(rows):
            msg = (
                f"expected a scorer or a numeric field of the rows, got {name!r} in `score`: "
                "correct it"
            )
            raise InputError(msg)
        values: list[float | None] = read.to_list()
        return values

    def _revise(self, row: Mapping[str, Any], score: float | None) -> Job:
        (critique,) = yield Ask([self._critique_request(row)])
        said = parse_critique(critique) if critique.error is None else ""
        about = {
            **lasting_facts(row["about"]),
            "critique": said[:1_000],
            "critique_key": critique.key,
            "score_before": None if score is None else round(score, 4),
        }
        failed = Rejection("teacher_error", evidence=critique.error) if critique.error else None
        if failed is None and not said:
            failed = Rejection("nothing_to_change", evidence=critique.text[:200])
        if failed is not None:
            return [_draft(row, critique, "", about, failed)]
        (reply,) = yield Ask([self._rewrite_request(row, said)])
        answer = strip_preface(parse_answer(reply)) if reply.error is None else ""
        rejection = reject_unusable(reply) or self._reject(row, answer)
        return [_draft(row, reply, answer, about, rejection)]

    def _reject(self, row: Mapping[str, Any], answer: str) -> Rejection | None:
        """Name why an answer is no better one."""
        before = row["output"]
        if fold_quote(answer) == fold_quote(before):
            return Rejection("same_answer", 1.0)
        share = len(answer) / len(before)
        if share < self._options.min_length:
            return Rejection("shortened_answer", round(share, 4), self._options.min_length)
        asked = {"instruction": row["instruction"], "input": row["input"], "output": answer}
        refuses = refusal(pl.DataFrame([{**row, **asked}], schema=dict(ROWS)))[0]
        if refuses is not None and refuses >= _REFUSES:
            return Rejection("refusal", refuses, _REFUSES, answer[:200])
        return None

    def _critique_request(self, row: Mapping[str, Any]) -> TeacherRequest:
        limit = self._options.critique_max_tokens
        if self._is_small:
            return render_small_critique(_task(row), row["output"], max_tokens=limit)
        return render_critique(_material(row), max_tokens=limit)

    def _rewrite_request(self, row: Mapping[str, Any], critique: str) -> TeacherRequest:
        kit = self.kit
        if self._is_small:
            # A small model mixes up three texts; with the advice alone it answers anew.
            return render_answer(
                row["instruction"],
                row["input"] or "",
                system=f"{kit.profile.system} Avoid this mistake: {critique}",
                temperature=kit.temperature,
                max_tokens=kit.max_tokens,
                sample=1,
            )
        return render_rewrite(
            _material(row), critique, temperature=kit.temperature, max_tokens=kit.max_tokens
        )


def _material(row: Mapping[str, Any]) -> Material:
    return materials(pl.DataFrame([row], schema=dict(ROWS)), {})[0]


def _task(row: Mapping[str, Any]) -> str:
    return f"{row['instruction']} {row['input'] or ''}"


def _draft(
    row: Mapping[str, Any],
    reply: TeacherReply,
    answer: str,
    about: Mapping[str, Any],
    rejection: Rejection | None,
) -> Draft:
    return Draft(
        reply,
        instruction=row["instruction"],
        input=row["input"] or "",
        output=answer,
        system=row["system"] or "",
        parents=(row["id"],),
        arm=_ARM,
        about=about,
        license=row["license"],
        rejection=rejection,
    )
