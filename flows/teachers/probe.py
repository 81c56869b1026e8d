"""Finds out what a teacher's server supports by asking for it, for `feingold doctor`.

Documentation and version numbers lie: a field counts as supported only where the answer shows it.
About ten tiny requests, one after the other; none of them reaches the journal.
"""

import asyncio
import difflib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import yaml

from flows.teachers.client import Teacher
from flows.teachers.probe_answers import (
    LONG,
    SCHEMA,
    SHORT,
    Answer,
    Trial,
    complaint,
    decode,
    has_logprobs,
    has_text,
    judge,
    keeps_limit,
    keeps_schema,
    lists_batches,
)
from flows.teachers.replies import Usage
from flows.teachers.servers import SchemaField, Server, server_for, wire_body, with_overrides

if TYPE_CHECKING:  # takes a second to import
    import openai

Value = bool | str | None

PROBE_SECONDS = 15.0  # for one probe
ALL_SECONDS = 60.0  # for the probes of one teacher
_TOKEN_FIELDS = ("max_tokens", "max_completion_tokens")
# The second answer is far longer than its limit, and yet ends soon where no limit is obeyed.
_HELLO, _TELL = "Say yes.", "Write five sentences about the sea."
_MOST_HEADERS, _MOST_MODELS = 8, 5_000
_SHORTEST_KEY = 8  # what is shorter stands for "no key"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe found.

    Attributes:
        name: of the probe; a field of `Server` where there is one.
        found: what the server does.
        assumed: what `servers.py` and the recipe say it does.
        detail: how that showed, one line.
        is_known: whether the answers allow a judgement; where not, `found` says nothing.
    """

    name: str
    found: Value
    assumed: Value
    detail: str
    is_known: bool = True

    @property
    def differs(self) -> bool:
        """Whether the recipe should say something else."""
        return self.is_known and self.found != self.assumed


@dataclass(frozen=True, slots=True)
class Probing:
    """What all probes of one teacher found, and took.

    Attributes:
        findings: one a probe.
        lines: YAML to put under `teacher`; empty where nothing has to change.
        requests: sent.
        usage: tokens that the server says it billed.
        is_bill_whole: whether it said so for every answer.
    """

    findings: tuple[Finding, ...]
    lines: tuple[str, ...]
    requests: int
    usage: Usage
    is_bill_whole: bool

    @property
    def supports(self) -> dict[str, Value]:
        """Fields of `Server` with what was found; without those that could not be told."""
        names = Server.__dataclass_fields__
        return {
            item.name: item.found for item in self.findings if item.is_known and item.name in names
        }


async def probe_server(
    teacher: Teacher, *, probe_seconds: float = PROBE_SECONDS, all_seconds: float = ALL_SECONDS
) -> Probing:
    """Ask a teacher for everything that servers differ in; never raises for what it answers.

    Args:
        teacher: known to answer.
        probe_seconds: limit of one probe.
        all_seconds: limit of all of them; what is left over counts as unclear.
    """
    sender = await teacher.sender()
    asker = _Asker(
        sender.client,
        seconds=min(probe_seconds, teacher.options.timeout_seconds),
        all_seconds=all_seconds,
    )
    prober = _Prober(teacher, asker)
    findings = [await prober.token_field()]
    if prober.limit_field is None:  # then a refusal would say nothing about the field asked for
        findings += [await prober.batch(), await prober.model()]
    else:
        findings += [
            await prober.json_schema(),
            await prober.logprobs(),
            await prober.seed(),
            await prober.completions(),
            await prober.batch(),
            await prober.model(),
        ]
    findings.append(asker.rate_limits())
    return Probing(
        tuple(findings),
        lines=prober.lines(findings),
        requests=asker.requests,
        usage=Usage(asker.prompt_tokens, asker.completion_tokens),
        is_bill_whole=asker.is_bill_whole,
    )


async def probe_model(teacher: Teacher) -> Finding:
    """Ask for the list of models only, for a teacher that did not answer.

    Args:
        teacher: whose server is up.
    """
    sender = await teacher.sender()
    asker = _Asker(sender.client, seconds=PROBE_SECONDS, all_seconds=PROBE_SECONDS)
    return await _Prober(teacher, asker).model()


class _Asker:
    """Sends single requests, within a time, and adds up what they take."""

    def __init__(self, client: "openai.AsyncOpenAI", *, seconds: float, all_seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._until = time.monotonic() + all_seconds
        self._headers: dict[str, str] = {}
        self.requests = self.prompt_tokens = self.completion_tokens = 0
        self.is_bill_whole = True

    async def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Post a body, or get a path where there is none."""
        import httpx2
        import openai

        seconds = min(self._seconds, self._until - time.monotonic())
        if seconds <= 0:
            return Answer(0, {}, "not asked: the other probes took too long")
        self.requests += 1
        raw = httpx2.Response
        try:
            async with asyncio.timeout(seconds):
                if body is None:
                    reply = await self._client.get(path, cast_to=raw)
                else:
                    reply = await self._client.post(path, body=dict(body), cast_to=raw)
        except openai.APIStatusError as error:
            reply = error.response
        except TimeoutError:
            self.is_bill_whole = False
            return Answer(0, {}, f"no reply within {seconds:.3g} s")
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            self.is_bill_whole = False
            cause = error.__cause__ or error
            return Answer(0, {}, self.line(str(cause) or type(cause).__name__))
        return self._read(reply.status_code, reply.text, reply.headers, is_paid=body is not None)

    def _read(self, status: int, text: str, headers: Mapping[str, str], *, is_paid: bool) -> Answer:
        for name, value in headers.items():
            if name.lower().startswith("x-ratelimit-"):
                self._headers[name.lower()] = value
        data = decode(text)
        usage = Usage.read(data) if is_paid else Usage(0, 0)
        if usage is not None:
            self.prompt_tokens += usage.prompt
            self.completion_tokens += usage.completion
        elif status == 200:
            self.is_bill_whole = False
        error = "" if status == 200 else self.line(f"HTTP {status}: {complaint(data) or text}")
        return Answer(status, data, error)

    def rate_limits(self) -> Finding:
        """The rate limits that the server has told so far."""
        seen = sorted(self._headers.items())[:_MOST_HEADERS]
        told = ", ".join(f"{name.removeprefix('x-ratelimit-')} {value}" for name, value in seen)
        found = self.line(told, most=300) or None
        return Finding("rate_limits", found, found, found or "the server tells none")

    def line(self, text: str, *, most: int = 160) -> str:
        """One printable line without our key: all text of the server leaves through here."""
        key = str(self._client.api_key)
        if len(key) >= _SHORTEST_KEY:
            text = text.replace(key, "[key removed]")
        shown = "".join(mark if mark.isprintable() else "?" for mark in " ".join(text.split()))
        return shown if len(shown) <= most else shown[:most] + "..."


class _Prober:
    """The probes of one teacher. The first finds the limit that the others are sent with."""

    def __init__(self, teacher: Teacher, asker: _Asker) -> None:
        self.limit_field: str | None = None
        self._asker = asker
        self._model = teacher.identity.model
        self._options = teacher.options
        named = server_for(teacher.identity.base_url, named=teacher.options.server)
        self._server = with_overrides(named, teacher.options.supports)
        self._assumed = _assumed(self._server, self._model, teacher.options.token_field)

    async def token_field(self) -> Finding:
        """Which field limits an answer. That it is accepted is not enough."""
        assumed = str(self._assumed["token_field"])
        tried: dict[str, Trial] = {}
        for field in sorted(_TOKEN_FIELDS, key=assumed.__ne__):
            answer = await self._chat(_TELL, SHORT, field=field)
            tried[field] = judge(answer, keeps_limit)
            if answer.is_accepted and self.limit_field is None:
                self.limit_field = field
        good = [field for field, trial in tried.items() if trial.state == "obeyed"]
        # One that is only accepted is better than one that is refused.
        if not good and self.limit_field and tried[assumed].state == "refused":
            good = [self.limit_field]
        is_known = bool(good) and tried[assumed].state != "unclear"
        found = good[0] if good else None
        return Finding("token_field", found, assumed, _list_trials(tried), is_known=is_known)

    async def json_schema(self) -> Finding:
        """Which field makes the answer keep to a JSON schema."""
        assumed = self._assumed["json_schema"]
        tried: dict[str, Trial] = {}
        forms: tuple[SchemaField, ...] = get_args(SchemaField)
        for form in sorted(forms, key=lambda name: name != assumed):
            tried[form] = judge(await self._chat(_HELLO, LONG, form=form), keeps_schema)
        good = [form for form, trial in tried.items() if trial.state == "obeyed"]
        in_doubt = {form for form, trial in tried.items() if trial.state == "unclear"}
        is_known = assumed not in in_doubt if good or assumed else not in_doubt
        found = good[0] if good else None
        return Finding("json_schema", found, assumed, _list_trials(tried), is_known=is_known)

    async def logprobs(self) -> Finding:
        """Whether an answer comes with the log-probabilities of its tokens."""
        answer = await self._chat(_HELLO, SHORT, logprobs=True)
        return self._yes_or_no("logprobs", judge(answer, has_logprobs))

    async def seed(self) -> Finding:
        """Whether a seed is accepted; whether it has an effect, nobody promises."""
        answer = await self._chat(_HELLO, SHORT, seed=7)
        return self._yes_or_no("seed", judge(answer, lambda _: Trial("obeyed")))

    async def completions(self) -> Finding:
        """Whether the legacy endpoint is there."""
        body = {"model": self._model, "prompt": "1, 2, 3,", "max_tokens": SHORT}
        answer = await self._asker.ask("/completions", body)
        return self._yes_or_no("completions", judge(answer, has_text))

    async def batch(self) -> Finding:
        """Whether the list of batches can be read; none is made."""
        answer = await self._asker.ask("/batches?limit=1")
        return self._yes_or_no("batch", lists_batches(answer))

    async def model(self) -> Finding:
        """Whether the list of models names the recipe's, or which one comes near."""
        answer = await self._asker.ask("/models")
        listed = answer.data.get("data")
        if answer.status != 200 or not isinstance(listed, list):
            detail = answer.error or "the answer is no list of models"
            return Finding("model", None, True, detail, is_known=False)
        ids = [item.get("id") for item in listed[:_MOST_MODELS] if isinstance(item, dict)]
        names = [name for name in ids if isinstance(name, str)]
        if self._model in names:
            return Finding("model", True, True, f"one of {len(names):,} that the server lists")
        near = difflib.get_close_matches(self._model, names, n=1, cutoff=0.5)
        hint = f": did you mean {self._asker.line(near[0], most=80)!r}?" if near else ""
        detail = f"{self._model!r} is not among the {len(names):,} that the server lists{hint}"
        return Finding("model", False, True, detail)

    def lines(self, findings: list[Finding]) -> tuple[str, ...]:
        """What to write under `teacher`, ready to paste over what is there."""
        changed = {
            item.name: item.found
            for item in findings
            if item.differs
            and item.name in self._assumed
            # What the recipe refuses by name stays refused.
            and not (item.found is True and item.name in self._server.refused)
        }
        lines = []
        if self._options.token_field is not None and "token_field" in changed:
            lines.append(f"token_field: {changed.pop('token_field')}")  # it outranks `supports`
        if changed:
            merged: dict[str, Any] = {**self._options.supports, **changed}
            flow = yaml.safe_dump(merged, default_flow_style=True, width=10_000, sort_keys=False)
            lines.append(f"supports: {flow.strip()}")
        return tuple(lines)

    async def _chat(
        self,
        question: str,
        limit: int,
        *,
        field: str | None = None,
        form: SchemaField | None = None,
        **more: object,
    ) -> Answer:
        """Ask in the very form that a run would, with nothing left out."""
        body = wire_body(
            {"messages": [{"role": "user", "content": question}], "max_tokens": limit, **more},
            model=self._model,
            server=Server("probe", json_schema=form),
            token_field=field or self.limit_field,
            schema=SCHEMA if form else None,
        )
        return await self._asker.ask("/chat/completions", body)

    def _yes_or_no(self, name: str, trial: Trial) -> Finding:
        assumed, is_known = self._assumed[name], trial.state != "unclear"
        detail = "yes" if trial.state == "obeyed" else f"no, {trial}" if is_known else str(trial)
        return Finding(name, trial.state == "obeyed", assumed, detail, is_known=is_known)


def _assumed(server: Server, model: str, token_field: str | None) -> dict[str, Value]:
    """What a run would count on, read off a request as it would be sent."""
    asked = {"messages": [], "max_tokens": SHORT, "seed": 7, "logprobs": True}
    sent = wire_body(asked, model=model, server=server, token_field=token_field, schema=None)
    return {
        "token_field": next((name for name in _TOKEN_FIELDS if name in sent), _TOKEN_FIELDS[0]),
        "json_schema": server.json_schema,
        "logprobs": "logprobs" in sent,
        "seed": "seed" in sent,
        "completions": server.completions,
        "batch": server.batch,
    }


def _list_trials(tried: Mapping[str, Trial]) -> str:
    return ", ".join(f"{name} {trial}" for name, trial in tried.items())
