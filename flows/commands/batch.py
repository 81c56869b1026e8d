"""`feingold batch`: requests as a file for a batch service or `vllm run-batch`, and its results."""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from flows.disk import write_atomically
from flows.journal import JournalEntry
from flows.recipes import load_recipe
from flows.runner import make_spec, run_generators
from flows.session import RunSpec, Session, close_session, session_for
from flows.teachers.batch_files import (
    BadLine,
    BatchReply,
    BatchRequest,
    BatchResult,
    read_results,
    split_requests,
)
from flows.teachers.batch_state import BatchState
from flows.teachers.budget import Meter
from schemas.errors import InputError, RunError
from schemas.recipe import Price

_CHUNK = 500  # lines looked up, and stored, together
_SHOWN = 5  # bad lines shown to people; --json has all


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the file of what a run would ask next, or read one with results."""
    loaded = load_recipe(arguments.recipe, arguments.set)
    # Nothing is published, so that the home is the only directory that must be writable.
    spec = make_spec(loaded, home=arguments.home, out=arguments.home)
    try:
        if arguments.action == "write":
            answer = write_files(spec, arguments.out)
            text = _describe_written(answer)
        else:
            answer = read_file(session_for(spec), arguments.file)
            text = _describe_read(answer)
    finally:
        close_session(spec)
    if not arguments.json:
        print(text)
    return answer


def collect_requests(spec: RunSpec) -> list[BatchRequest]:
    """Return what a run would ask next and the journal does not know; nothing is sent."""
    found: list[BatchRequest] = []
    panel = session_for(spec).panel
    panel.collect = lambda asked, teacher: found.append(BatchRequest.of(asked, teacher.identity))
    try:
        run_generators(spec)
    except RunError:  # replies are missing; which ones is what we want to know
        if not found:
            raise
    return found


def write_files(spec: RunSpec, out: Path) -> dict[str, Any]:
    """Write requests to `out`; what may not share a file goes into `out-2` and so on.

    Args:
        spec: the run that would ask.
        out: the file.

    Returns:
        Counts and files, for `--json`.
    """
    every = {request.key: request for request in collect_requests(spec)}
    with BatchState(Path(spec.home)) as state:
        under_way = state.under_way(list(every))
        requests = [request for key, request in every.items() if key not in under_way]
        # First the note, then the file: without it, nobody could tell what a reply answers.
        state.note_written(requests)
    files = []
    for number, part in enumerate(split_requests(requests), start=1):
        path = out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")
        write_atomically(path, b"".join(request.line() for request in part))
        first = part[0]
        files.append(
            {
                "path": str(path),
                "requests": len(part),
                "model": first.model,
                "endpoint": f"/v1/{first.endpoint}",
            }
        )
    return {"requests": len(requests), "under_way": len(under_way), "files": files}


@dataclass(slots=True)
class _Report:
    """What a file with results has brought."""

    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    bad_lines: list[BadLine] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def answer(self, path: Path) -> dict[str, Any]:
        """The same for `--json`."""
        names = ("read", "already_there", "failed", "unknown")
        return {
            "file": str(path),
            **{name: self.counts[name] for name in names},
            "errors": dict(self.errors),
            "bad_lines": [{"line": bad.line, "error": bad.error} for bad in self.bad_lines],
        }


def read_file(session: Session, path: Path) -> dict[str, Any]:
    """Put the results of a file into the journal.

    Args:
        session: recipe and journal.
        path: output or error file of a batch, or what `vllm run-batch` wrote.

    Returns:
        Counts and bad lines, for `--json`.

    Raises:
        InputError: if the file cannot be read, or no line of it is a result.
    """
    report = _Report()
    teachers = session.panel.teachers
    meters = {
        (teacher.identity.base_url, teacher.identity.model): teacher.batch_meter
        for teacher in teachers
    }
    try:
        with path.open("rb") as lines, BatchState(session.home) as state:
            for group in _groups(read_results(lines)):
                _store(session, state, meters, group, report)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        msg = f"expected a file with results, got {reason!r} for {path}: name one that exists"
        raise InputError(msg) from error
    if report.bad_lines and not report.counts:
        first = report.bad_lines[0]
        msg = f"expected batch results, got none in {path}: line {first.line}: {first.error}"
        raise InputError(msg)
    return report.answer(path)


def _store(
    session: Session,
    state: BatchState,
    meters: dict[tuple[str, str], Meter],
    lines: Sequence[BatchResult | BadLine],
    report: _Report,
) -> None:
    """Journal a group of lines and count them."""
    results = [line for line in lines if isinstance(line, BatchResult)]
    report.bad_lines += [line for line in lines if isinstance(line, BadLine)]
    keys = list({result.key for result in results})
    requests, stored = state.known(keys), session.journal.find(keys)
    records: list[JournalEntry] = []
    for result in results:
        key, outcome = result.key, result.outcome
        is_there = key in report.seen or (key in stored and stored[key].status == 200)
        if is_there or key not in requests:
            report.counts["already_there" if is_there else "unknown"] += 1
            continue
        request = requests[key]
        # Of a teacher that the recipe does not name, nobody here knows the price.
        free = Meter(Price(prompt=0, completion=0))
        meter = meters.get((request.base_url, request.model), free)
        record = BatchReply.of(request, outcome, meter, worst=request.worst(meter)).record(
            session.spec.name
        )
        if isinstance(record, JournalEntry):  # a loss would count again with each reading
            records.append(record)
        report.counts["failed" if outcome.kind else "read"] += 1
        if outcome.kind:
            report.errors[outcome.kind] += 1
        else:
            report.seen.add(key)
    session.journal.put(*records)


def _groups(
    lines: Iterable[BatchResult | BadLine],
) -> Iterator[list[BatchResult | BadLine]]:
    source = iter(lines)
    while group := list(islice(source, _CHUNK)):
        yield group


def _describe_written(answer: dict[str, Any]) -> str:
    if not answer["files"]:
        waiting = f", {answer['under_way']:,} are in a batch" if answer["under_way"] else ""
        return f"nothing to ask: the journal has all that a run would ask next{waiting}"
    lines = [
        f"{item['requests']:,} requests in {item['path']} for {item['model']} at {item['endpoint']}"
        for item in answer["files"]
    ]
    return "\n".join(lines)


def _describe_read(answer: dict[str, Any]) -> str:
    lines = [
        f"{answer['read']:,} replies of {answer['file']} are new in the journal",
        f"  there already {answer['already_there']:,}, failed {answer['failed']:,}, not asked from "
        f"this home {answer['unknown']:,}, unreadable {len(answer['bad_lines']):,}",
    ]
    lines += [f"  {count:>7,}  {kind}" for kind, count in answer["errors"].items()]
    bad = answer["bad_lines"]
    lines += [f"  line {item['line']}: {item['error']}" for item in bad[:_SHOWN]]
    if len(bad) > _SHOWN:
        lines.append(f"  and {len(bad) - _SHOWN:,} more; --json lists all")
    return "\n".join(lines)
