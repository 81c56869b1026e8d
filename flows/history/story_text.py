"""The story of a row for people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flows.history.telling import cut_text

_SHOWN_CHARACTERS = 600
_SHORT = 100
_MOST = 8
_VERDICTS = {"keep": "kept", "drop": "dropped", "quarantine": "quarantined"}


def describe_story(answer: Mapping[str, Any]) -> str:
    """Return what `tell_story` found as lines."""
    verdict = _VERDICTS.get(answer["action"], "seen")
    split = f" in split {answer['split']}" if answer["split"] not in (None, "train") else ""
    lines = [
        f"{answer['id']} was {verdict} at stage {answer['stage']} by rule {answer['rule']}{split}"
        f"{_where(answer)}",
        *_origin(answer),
        *_request(answer["request"]),
        *_parents(answer["parents"]),
        *map(_decision, answer["decisions"]),
        *_texts(answer),
        *_duplicates(answer),
        *_scores(answer["scores"]),
        *_judge(answer["row"]),
        *_answers(answer["answers"]),
        *_history(answer["history"]),
    ]
    return "\n  ".join(lines)


def _where(answer: Mapping[str, Any]) -> str:
    """Name the version where it is not the newest."""
    last = answer["history"][-1]["version"]
    return "" if answer["version"] == last else f" of {answer['version']}"


def _origin(answer: Mapping[str, Any]) -> Iterator[str]:
    origin = answer["origin"]
    place = f"source {origin['source']}"
    if origin["file"] is not None:
        place = f"{origin['file']}, row {origin['row']}"
    licence = f", licence {origin['license']}" if origin["license"] else ""
    yield f"from     {_plain(place + licence)}"


def _request(request: Mapping[str, Any] | None) -> Iterator[str]:
    if request is None:
        return
    if "model" not in request:
        yield f"request  {request['key'][:16]}, not in the journal of this home"
        return
    yield (
        f"teacher  {_plain(request['model'])} at {_plain(request['base_url'])}, request "
        f"{request['key'][:16]} of {request['created']}, US$ {request['cost_usd']:.6f}"
    )
    yield f"  asked    {_cut(request['prompt'], 300)}"
    yield f"  replied  {_cut(request['reply'], 300)}"


def _parents(parents: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for parent in parents[:_MOST]:
        text = parent.get("instruction")
        yield f"parent   {_plain(parent['id'])}" + (f": {_cut(text, _SHORT)}" if text else "")
    if len(parents) > _MOST:
        yield f"parent   ... and {len(parents) - _MOST} more"


def _decision(line: Mapping[str, Any]) -> str:
    parts = [f"{line['action']:<10} {line['stage']}/{line['rule']}"]
    numbers = ("value", "threshold", "similarity")
    parts += [f"{name} {line[name]:.4g}" for name in numbers if line[name] is not None]
    if line["matched_id"]:
        parts.append(f"matched {_plain(line['matched_id'])}")
    if line["evidence"]:
        parts.append(_cut(line["evidence"]))
    return ", ".join(parts)


def _texts(answer: Mapping[str, Any]) -> Iterator[str]:
    for name in ("instruction", "input", "output", "raw"):
        text = answer["row"].get(name)
        if text and (name != "raw" or answer["action"] == "quarantine"):
            yield f"{name}: {_cut(text)}"


def _duplicates(answer: Mapping[str, Any]) -> Iterator[str]:
    found = answer["duplicates"]
    for other in found[:_MOST]:
        alike = "" if other["similarity"] is None else f", similarity {other['similarity']:.3f}"
        text = "" if other["instruction"] is None else f": {_cut(other['instruction'], _SHORT)}"
        yield f"like     {_plain(other['id'])} {other['fate']} ({other['rule']}{alike}){text}"
    if len(found) > _MOST:
        yield f"like     ... and {len(found) - _MOST} more"
    for other in answer["earlier"]:
        yield f"matched {other['id']} of {other['name']} {other['version']}, an earlier version"


def _scores(scores: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    plain = []
    for score in scores:
        if not score["rules"]:
            if isinstance(score["value"], float | int):
                plain.append(f"{score['name']} {score['value']:.3g}")
            continue
        rules = ", ".join(
            f"{rule['rule']}{_threshold(rule['threshold'])}: {rule['verdict'] or 'not reached'}"
            for rule in score["rules"]
        )
        yield f"score    {score['name']} {_value(score['value'])} ({rules})"
    if plain:
        yield f"scores   no rule reads {', '.join(plain)}"


def _threshold(value: object) -> str:
    return "" if value is None else f" at {_value(value)}"


def _value(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else _plain(str(value))


def _judge(row: Mapping[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if name.startswith("judge") and isinstance(value, str | list):
            yield f"{name}: {_cut(json.dumps(value, ensure_ascii=False))}"


def _answers(answers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for other in answers[:_MOST]:
        where = ", ".join(other["versions"])
        yield f"another answer {other['id'][:12]} in {where}: {_cut(other['output'], _SHORT)}"


def _history(history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each run of versions that say the same."""
    last, first = None, ""
    told: list[tuple[str, str, str]] = []
    for entry in history:
        what = _state(entry)
        if what != last:
            first = entry["version"]
            told.append((first, first, what))
            last = what
        else:
            told[-1] = (first, entry["version"], what)
    for start, end, what in told:
        span = start if start == end else f"{start} to {end}"
        yield f"version  {span}: {what}"


def _state(entry: Mapping[str, Any]) -> str:
    if entry["state"] == "in":
        return "in" if entry["split"] == "train" else f"in, split {entry['split']}"
    if entry["state"] == "out":
        return f"out, {entry['stage']}/{entry['rule']}"
    return "not there"


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _cut(text: str | None, characters: int = _SHOWN_CHARACTERS) -> str:
    return cut_text(text, characters, one_line=False)
