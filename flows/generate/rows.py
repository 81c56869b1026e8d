"""From a draft to a row."""

import json
from typing import Any

from flows.methods.jobs import Draft
from flows.session import Session
from quality.formats.parse import single_exchange


def make_row(session: Session, source: str, draft: Draft) -> dict[str, Any]:
    """Return a draft as a row of ROWS; its id is "".

    Args:
        session: the run, which knows the teachers.
        source: of the row.
        draft: what a job made.
    """
    reply = draft.reply
    teacher = key = licence = None
    raw = draft.raw or ""
    if reply is not None:
        identity = session.teacher_identities[reply.teacher]
        teacher, key, licence = identity.model, reply.key, identity.license
        raw = draft.raw or reply.raw or json.dumps({"error": reply.error}, ensure_ascii=False)
    return {
        "id": "",
        "source": source,
        "file": None,
        "row": None,
        "license": draft.license or licence,
        **_texts(draft),
        "rejected": draft.rejected,
        "teacher": teacher,
        "request_key": key,
        "parents": list(draft.parents),
        "arm": draft.arm or None,
        "about": json.dumps(draft.about, ensure_ascii=False) if draft.about else None,
        "raw": raw,
    }


def _texts(draft: Draft) -> dict[str, Any]:
    """The turns, and the columns that are read from them."""
    if draft.messages is not None:
        spoken: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
        for turn in draft.messages:
            spoken[turn["role"]].append(turn["content"])
        return {
            "system": "\n\n".join(spoken["system"]),
            "instruction": draft.instruction or next(iter(spoken["user"]), ""),
            "input": draft.input,
            "output": "\n\n".join(spoken["assistant"]),
            "messages": [dict(turn) for turn in draft.messages],
        }
    if not draft.instruction and not draft.input:
        return {"system": "", "instruction": "", "input": "", "output": "", "messages": []}
    parsed = single_exchange(
        system=draft.system,
        instruction=draft.instruction,
        context=draft.input,
        output=draft.output or "",
    )
    return {
        "system": parsed.system,
        "instruction": parsed.instruction,
        "input": parsed.input,
        "output": parsed.output,
        "messages": list(parsed.messages if draft.output is not None else parsed.messages[:-1]),
    }
