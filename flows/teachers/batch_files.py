"""The lines of batch files: OpenAI's format, which `vllm run-batch` reads and writes as well.

Pure: text in, values out. What comes back is untrusted text like any other reply.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from flows.journal import JournalEntry, Loss
from flows.teachers.budget import Meter, Spend
from flows.teachers.client import Asked, TeacherIdentity
from flows.teachers.sender import Outcome, judge_body, refusal

MOST_REQUESTS = 50_000  # of one batch, at OpenAI
MOST_BYTES = 200_000_000  # of its file, likewise
_BOM = b"\xef\xbb\xbf"
_SHOWN = 200  # characters of a server's words in a message


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A request that goes into a file, with all that its journal entry needs later.

    Attributes:
        key: of the journal; the `custom_id` of its line.
        base_url: see `JournalEntry`.
        endpoint: likewise.
        model: likewise.
        sample: likewise.
        request: likewise.
    """

    key: str
    base_url: str
    endpoint: str
    model: str
    sample: int
    request: str = field(repr=False)

    @classmethod
    def of(cls, asked: Asked, identity: TeacherIdentity) -> Self:
        """Return what a teacher is asked as a line of a file."""
        return cls(
            key=asked.key,
            base_url=identity.base_url,
            endpoint=asked.request.endpoint,
            model=identity.model,
            sample=asked.request.sample,
            request=asked.text,
        )

    @property
    def body(self) -> dict[str, Any]:
        """The body as it is sent."""
        body: dict[str, Any] = json.loads(self.request)
        return body

    def worst(self, meter: Meter) -> Spend:
        """Upper bound of what it can cost."""
        return meter.worst(self.body, self.request)

    def line(self) -> bytes:
        """Return the line, ended; ASCII, because some readers also end lines at U+2028."""
        line = {
            "custom_id": self.key,
            "method": "POST",
            "url": f"/v1/{self.endpoint}",
            "body": self.body,
        }
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a line says about a request.

    Attributes:
        line: its number, from 1.
        key: `custom_id` as it stands there.
        outcome: what became of the request.
    """

    line: int
    key: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that says nothing.

    Attributes:
        line: its number, from 1.
        error: what is wrong with it.
    """

    line: int
    error: str


def split_requests(
    requests: Iterable[BatchRequest],
    *,
    most_requests: int = MOST_REQUESTS,
    most_bytes: int = MOST_BYTES,
) -> Iterator[list[BatchRequest]]:
    """Divide requests into files: one model and endpoint each, and within the limits.

    Args:
        requests: in any order, which is kept within a file.
        most_requests: of one file.
        most_bytes: likewise; a request that is longer alone has a file alone.
    """
    groups: dict[tuple[str, str, str], list[BatchRequest]] = {}
    for request in requests:
        groups.setdefault((request.base_url, request.model, request.endpoint), []).append(request)
    for group in groups.values():
        taken: list[BatchRequest] = []
        size = 0
        for request in group:
            length = len(request.line())
            if taken and (len(taken) >= most_requests or size + length > most_bytes):
                yield taken
                taken, size = [], 0
            taken.append(request)
            size += length
        yield taken


def read_results(
    lines: Iterable[bytes], *, clean: Callable[[str], str] = str
) -> Iterator[BatchResult | BadLine]:
    """Read the lines of an output or error file; never raises, blank lines are passed over.

    Args:
        lines: of the file, in its order.
        clean: takes out what must not be kept.
    """
    for number, data in enumerate(lines, start=1):
        text = data.removeprefix(_BOM) if number == 1 else data
        if text.strip():
            yield _read_line(number, text, clean)


def _read_line(number: int, data: bytes, clean: Callable[[str], str]) -> BatchResult | BadLine:
    try:
        line = json.loads(clean(data.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        return BadLine(number, f"expected a JSON object, got {_first_line(str(error))!r}")
    if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
        got = _first_line(json.dumps(line))
        return BadLine(number, f"expected an object with a `custom_id`, got {got}")
    outcome = _read_outcome(line)
    if outcome is not None:
        return BatchResult(number, line["custom_id"], outcome)
    got = _first_line(json.dumps({name: line.get(name) for name in ("response", "error")}))
    wanted = "a `response` with a `status_code`, or an `error`"
    return BadLine(number, f"expected {wanted}, got {got}")


def _read_outcome(line: dict[str, Any]) -> Outcome | None:
    """What a line says, null where it says nothing."""
    response, error = line.get("response"), line.get("error")
    if isinstance(response, dict):
        status, body = response.get("status_code"), response.get("body")
        if type(status) is int and 100 <= status <= 599:
            # vLLM leaves the body of a failure empty and says more beside it.
            text = json.dumps(error if body is None else body)
            return judge_body(text) if status == 200 else refusal(status, text)
    return unanswered(*_code_and_message(error)) if error else None


def _code_and_message(error: object) -> tuple[str, str]:
    if not isinstance(error, dict):
        return "batch_error", str(error)
    code, message = error.get("code"), error.get("message")
    is_known = code in ("batch_expired", "batch_cancelled")
    return str(code) if is_known else "batch_error", str(message or code or error)


def unanswered(kind: str, message: str) -> Outcome:
    """A request that was in a batch and never carried out; it is not billed.

    Args:
        kind: such as `batch_expired`.
        message: what the server says.
    """
    return Outcome(0, kind=kind, error=_first_line(message), is_passing_fault=True)


@dataclass(frozen=True, slots=True)
class BatchReply:
    """What became of a request, and what that cost.

    Attributes:
        request: what was asked.
        outcome: what came back.
        cost: at the price of batches.
    """

    request: BatchRequest
    outcome: Outcome
    cost: Spend

    @classmethod
    def of(cls, request: BatchRequest, outcome: Outcome, meter: Meter, *, worst: Spend) -> Self:
        """Price an outcome; where the server does not say what it billed, at the worst case.

        Args:
            request: what was asked.
            outcome: what came back.
            meter: at the price of batches.
            worst: upper bound of its cost.
        """
        if outcome.status == 0:
            cost = Spend()
        elif outcome.status != 200:
            cost = Spend(requests=1)
        elif outcome.usage is None:
            cost = worst
        else:
            cost = meter.spend(outcome.usage.prompt, outcome.usage.completion)
        return cls(request, outcome, cost)

    def record(self, dataset: str) -> JournalEntry | Loss | None:
        """Return what the journal keeps of it; null for what may pass and cost nothing.

        Args:
            dataset: whose budget paid.
        """
        request, outcome, cost = self.request, self.outcome, self.cost
        if outcome.is_passing_fault and not (cost.usd or cost.tokens):
            return None
        if outcome.is_passing_fault:
            where = (request.base_url, request.model)
            return Loss(request.key, dataset, 1, cost.tokens, cost.usd, outcome.error, *where)
        billed = outcome.billed(cost.tokens)
        return JournalEntry(
            key=request.key,
            base_url=request.base_url,
            endpoint=request.endpoint,
            model=request.model,
            sample=request.sample,
            request=request.request,
            status=outcome.status,
            body=outcome.body,
            prompt_tokens=billed.prompt,
            completion_tokens=billed.completion,
            cost_usd=cost.usd,
            seconds=0.0,
            dataset=dataset,
        )


def merge_results(found: Sequence[BatchResult | BadLine]) -> dict[str, Outcome]:
    """Return the outcome of each request; a good one counts before any other.

    Args:
        found: lines of all files of a batch.
    """
    outcomes: dict[str, Outcome] = {}
    for result in found:
        if isinstance(result, BatchResult) and (
            result.key not in outcomes or outcomes[result.key].kind
        ):
            outcomes[result.key] = result.outcome
    return outcomes


def _first_line(text: str) -> str:
    return " ".join(text.split())[:_SHOWN]
