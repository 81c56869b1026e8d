"""Quotes a run before it starts: from its own prompts, the journal and stated assumptions."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from flows.generate.stage import make_method
from flows.journal import FILE, Journal
from flows.judge.quote import JudgeQuote, quote_judging
from flows.methods.base import Forecast, Wave
from flows.recipes import LoadedRecipe
from flows.session import RunSpec, Session
from flows.sources import read_sources
from flows.teachers.model_file import inspect_model
from flows.teachers.prices import listed_price
from flows.teachers.resolve import batch_price, price_of, recipe_teachers
from schemas.frames import ROWS, empty_frame
from schemas.recipe import TeacherOptions
from schemas.records import TeacherRequest

_SAMPLED = 8  # prompts of each kind that are measured
_BYTES_PER_TOKEN = 4.0  # of English text; the journal knows better once it has replies
_FILL = 0.6  # share of the token limit that an answer uses, likewise
_ANSWER = 200  # tokens of an answer at most, as long as nothing better is known
_KNOWN = 20  # replies of a teacher from which on the journal knows better
_LOOKED_UP = 20_000  # requests that are looked up in the journal, at most
_BATCH_ROWS = 128
# Tokens a second: the embedded teacher on two cores; a hosted one, for each request in flight.
_EMBEDDED_SPEED = 100.0
_HOSTED_SPEED = 50.0
_EMBEDDED_BYTES = 98e6


@dataclass(frozen=True, slots=True)
class Quote:
    """What a run is expected to ask and cost.

    Attributes:
        requests: requests in all, those in the journal among them.
        in_journal: requests that the journal answers.
        prompt_tokens: of the requests that will be sent.
        completion_tokens: likewise.
        cost_usd: in US dollars; null where a price is not known.
        seconds: of generation.
        rows: that come out.
        row_tokens: tokens of a published row's answer.
        assumptions: what the figures rest on, a line each.
    """

    requests: int
    in_journal: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    seconds: float
    rows: int
    row_tokens: int
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rates:
    """What a teacher's tokens have been like.

    Attributes:
        bytes_per_token: of prompts.
        fill: share of the token limit that an answer uses.
        replies: journaled replies this is read from; 0 where it is assumed.
    """

    bytes_per_token: float = _BYTES_PER_TOKEN
    fill: float = _FILL
    replies: int = 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """Requests and tokens of one generator."""

    requests: int = 0
    in_journal: int = 0
    prompt: int = 0
    completion: int = 0
    rows: int = 0

    def __add__(self, other: "_Asked") -> "_Asked":
        return _Asked(
            self.requests + other.requests,
            self.in_journal + other.in_journal,
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.rows + other.rows,
        )


def quote_recipe(loaded: LoadedRecipe, *, home: str) -> tuple[Quote, Session]:
    """Quote a run of a recipe; asks nobody and writes nothing.

    Args:
        loaded: the recipe.
        home: whose journal is looked at.

    Raises:
        InputError: if seeds or prompts cannot be read.
    """
    spec = RunSpec(
        loaded.recipe.name,
        home,
        "",
        str(loaded.base),
        loaded.recipe.model_dump_json(exclude_unset=True),
        loaded.text,
    )
    session = Session(spec)
    return quote_run(session), session


def quote_run(
    session: Session, *, source_rows: Callable[[Session], pl.DataFrame] | None = None
) -> Quote:
    """Quote a run that has not started.

    Args:
        session: the run.
        source_rows: gives the rows of the sources; null reads them, and stores nothing.

    Raises:
        InputError: if seeds or prompts cannot be read.
    """
    recipe = session.recipe
    teachers = recipe_teachers(recipe)
    journal = session.journal if (session.home / FILE).is_file() else None
    rates = _read_rates(session, journal)
    earlier = cache(lambda: (source_rows or _source_rows)(session))
    methods = [make_method(session, item, earlier=earlier) for item in recipe.generators]
    forecasts = [method.forecast() for method in methods]
    found = [_quote(session, forecast, journal, rates) for forecast in forecasts]
    total = sum(found, _Asked())
    quote = Quote(
        requests=total.requests,
        in_journal=total.in_journal,
        prompt_tokens=total.prompt,
        completion_tokens=total.completion,
        cost_usd=_cost(total, teachers) if recipe.generators else 0.0,
        seconds=round(_seconds(total, teachers), 1),
        rows=total.rows,
        row_tokens=round(total.completion / max(total.requests - total.in_journal, 1)),
        assumptions=(
            *(forecast.assumptions for forecast in forecasts),
            *_explain(rates, teachers),
        ),
    )
    judging = quote_judging(recipe, quote.rows, quote.row_tokens)
    return quote if judging is None else _with_judging(quote, judging)


def _source_rows(session: Session) -> pl.DataFrame:
    """The rows that a generator over earlier ones would find; those of generators are not known."""
    if not session.recipe.sources:
        return empty_frame(ROWS)
    return read_sources(session).compute().rows


def _with_judging(quote: Quote, judging: JudgeQuote) -> Quote:
    """Add what the judges are asked; how long they take is not quoted."""
    costs = (quote.cost_usd, judging.cost_usd)
    known = [cost for cost in costs if cost is not None]
    return replace(
        quote,
        requests=quote.requests + judging.requests,
        prompt_tokens=quote.prompt_tokens + judging.prompt_tokens,
        completion_tokens=quote.completion_tokens + judging.completion_tokens,
        cost_usd=round(sum(known), 6) if len(known) == len(costs) else None,
        assumptions=(*quote.assumptions, judging.assumption),
    )


def describe_training(quote: Quote) -> dict[str, int]:
    """The token arithmetic of training on the result."""
    return {
        "rows": quote.rows,
        "tokens_per_epoch": quote.rows * quote.row_tokens,
        "batch_rows": _BATCH_ROWS,
        "steps_per_epoch": math.ceil(quote.rows / _BATCH_ROWS),
    }


def compare(quote: Quote, summary: dict[str, Any]) -> dict[str, Any]:
    """Say how far a quote was from what a run really took.

    Args:
        quote: made before the run.
        summary: of the finished run.

    Returns:
        The quoted figures, and `off`: true divided by quoted, null where nothing was quoted.
    """
    pairs = {
        "requests": (quote.requests - quote.in_journal, summary["requests"]["sent"]),
        "prompt_tokens": (quote.prompt_tokens, summary["tokens"]["prompt"]),
        "completion_tokens": (quote.completion_tokens, summary["tokens"]["completion"]),
        "cost_usd": (quote.cost_usd, summary["cost_usd"]),
        "seconds": (quote.seconds, summary["seconds"]),
    }
    off = {name: round(true / said, 3) if said else None for name, (said, true) in pairs.items()}
    return {**{name: said for name, (said, _) in pairs.items()}, "off": off}


def _quote(session: Session, forecast: Forecast, journal: Journal | None, rates: _Rates) -> _Asked:
    """Add up a generator's waves; those that depend on replies are as far along as the first."""
    asked, left = _Asked(rows=forecast.rows), 1.0
    for place, wave in enumerate(forecast.waves):
        known = list(islice(wave.known, _LOOKED_UP))
        stored = _count_stored(session, known[: wave.number], journal)
        if known and wave.number and not place:
            left = 1 - stored / wave.number
        if not known:
            stored = round(wave.number * (1 - left))
        new = wave.number - stored
        asked += _Asked(
            requests=wave.number,
            in_journal=stored,
            prompt=round(new * _prompt_tokens(wave, known, rates)),
            completion=round(new * _reply_tokens(wave, rates)),
        )
    return asked


def _prompt_tokens(wave: Wave, known: Sequence[TeacherRequest], rates: _Rates) -> float:
    if wave.prompt_bytes is not None:
        return wave.prompt_bytes / rates.bytes_per_token
    shown = known[:: max(1, len(known) // _SAMPLED)]
    texts = [str(item.body.get("prompt") or item.body.get("messages")) for item in shown]
    if not texts:
        return 0.0
    return sum(len(text.encode()) for text in texts) / len(texts) / rates.bytes_per_token


def _reply_tokens(wave: Wave, rates: _Rates) -> float:
    if wave.reply_bytes is not None:
        return min(wave.limit, wave.reply_bytes / rates.bytes_per_token)
    used = wave.limit * rates.fill
    return used if rates.replies else min(used, _ANSWER)


def _count_stored(
    session: Session, requests: Iterable[TeacherRequest], journal: Journal | None
) -> int:
    if journal is None:
        return 0
    panel = session.panel
    keys = {panel.key_of(request) for request in requests}
    return len(journal.find(list(keys)))


def _read_rates(session: Session, journal: Journal | None) -> _Rates:
    """Read from the journal what this teacher's tokens have been like."""
    identity = session.teacher_identities[0]
    if journal is None or not session.recipe.generators:
        return _Rates()
    query = (
        "SELECT count(*), sum(length(CAST(request AS BLOB))), sum(prompt_tokens),"
        " sum(completion_tokens), sum(coalesce(json_extract(request, '$.max_tokens'),"
        " json_extract(request, '$.max_completion_tokens'), 0)) FROM (SELECT * FROM replies"
        " WHERE base_url = ? AND model = ? AND status = 200 LIMIT 1000)"
    )
    count, sent, prompt, completion, limit = journal.read(
        query, (identity.base_url, identity.model)
    )[0]
    if count < _KNOWN or not prompt or not limit:
        return _Rates()
    return _Rates(sent / prompt, min(1.0, completion / limit), count)


def _cost(total: _Asked, teachers: Sequence[TeacherOptions]) -> float | None:
    """Share the tokens out by weight; null where the price of one is not known."""
    weights = sum(options.weight for options in teachers)
    cost = 0.0
    for options in teachers:
        if not options.weight and len(teachers) > 1:
            continue
        price = batch_price(options) if options.mode == "batch" else price_of(options)
        if price is None:
            return None
        share = options.weight / weights if weights else 1.0
        cost += share * (total.prompt * price.prompt + total.completion * price.completion) / 1e6
    return round(cost, 6)


def _seconds(total: _Asked, teachers: Sequence[TeacherOptions]) -> float:
    """The slowest of speed and rate limits, over the teachers that share the work."""
    weights = sum(options.weight for options in teachers) or 1.0
    slowest = 0.0
    for options in teachers:
        share = options.weight / weights if len(teachers) > 1 else 1.0
        new = (total.requests - total.in_journal) * share
        tokens = (total.prompt + total.completion) * share
        speed = _speed(options)
        limits = [(total.prompt / 10 + total.completion) * share / speed]
        if options.requests_per_minute is not None:
            limits.append(60 * new / options.requests_per_minute)
        if options.tokens_per_minute is not None:
            limits.append(60 * tokens / options.tokens_per_minute)
        slowest = max(slowest, *limits)
    return slowest


def _speed(options: TeacherOptions) -> float:
    if options.gguf is not None:
        # Reading the weights is what takes the time: twice the bytes, half the tokens.
        return _EMBEDDED_SPEED * _EMBEDDED_BYTES / max(inspect_model(Path(options.gguf)).bytes, 1)
    is_embedded = options.base_url is None
    return _EMBEDDED_SPEED if is_embedded else _HOSTED_SPEED * options.max_in_flight


def _explain(rates: _Rates, teachers: Sequence[TeacherOptions]) -> list[str]:
    source = f"as in {rates.replies:,} replies of the journal" if rates.replies else "assumed"
    most = "" if rates.replies else f", {_ANSWER} tokens at most"
    lines = [
        f"{rates.bytes_per_token:.2g} bytes a token, answers use {rates.fill:.0%} of their limit"
        f"{most} ({source})"
    ]
    for options in teachers:
        if options.mode == "batch":
            lines.append("a batch may take up to 24 hours, whatever the time above says")
        listed = listed_price(options.base_url or "", str(options.model))
        if options.price_per_million is None and listed is not None:
            lines.append(f"list price of {options.model} as of {listed.as_of}: {listed.source}")
        lines.append(f"{_speed(options):,.3g} completion tokens a second")
    return lines
