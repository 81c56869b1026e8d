"""A student's file: arrays and JSON in safetensors, which can hold no code."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from flows.disk import write_atomically
from quality.student.model import (
    HeldOut,
    Kernel,
    Linear,
    Members,
    Scale,
    Student,
    Vectors,
)
from quality.student.signals import Signals
from quality.student.words import Vocabulary, Words
from schemas.errors import InputError

_FORMAT: Final = "feingold-student-1"


@dataclass(frozen=True, slots=True)
class StoredStudent:
    """A student with what makes its vectors.

    Attributes:
        student: the model.
        weights: float32, what each token weighs in its vectors.
        encoder: fingerprint of the encoder whose distilled table it used.
        model: that encoder, as the user named it; None: the embedded one.
    """

    student: Student
    weights: Vectors
    encoder: str
    model: str | None = None


def to_bytes(stored: StoredStudent) -> bytes:
    """Return the content of a student's file; the same student, the same bytes."""
    student = stored.student
    linear, kernel, scale = student.members.linear, student.members.kernel, student.scale
    arrays = {
        "token_weights": stored.weights,
        "prompt_idf": student.words.prompt.idf,
        "answer_idf": student.words.answer.idf,
        "signal_edges": student.signals.edges,
        "linear_weights": linear.weights,
        "kernel_support": kernel.support,
        "kernel_weights": kernel.weights,
        "scale_points": scale.points,
        "scale_values": scale.values,
    }
    facts: dict[str, Any] = {
        "kind": student.kind,
        "encoder": stored.encoder,
        "model": stored.model,
        "prompt_terms": student.words.prompt.terms,
        "answer_terms": student.words.answer.terms,
        "signals": student.signals.names,
        "linear_intercept": linear.intercept,
        "kernel_intercept": kernel.intercept,
        "kernel_gamma": kernel.gamma,
        "spreads": list(scale.spreads),
        "held_out": asdict(student.held_out),
        "origin": student.origin,
    }
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # One entry: several are written in the order of a hash table, another one in each process.
    return bytes(save(whole, {_FORMAT: json.dumps(facts, sort_keys=True)}))


def save_student(stored: StoredStudent, path: Path) -> str:
    """Write a student, whole or not at all; return the SHA-256 of the file."""
    content = to_bytes(stored)
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def load_student(path: Path) -> StoredStudent:
    """Read a student.

    Raises:
        InputError: if there is no such file or it is not a student's.
    """
    wanted = f"expected a student made by `feingold learn`, got {os.fspath(path)!r}"
    if not path.is_file():
        msg = f"{wanted}, which is not a file: run `feingold learn LABELS --out {path}`"
        raise InputError(msg)
    try:
        with safe_open(str(path), framework="np") as file:
            head = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if _FORMAT not in head:
            msg = f"{wanted} of another format: run `feingold learn` again"
            raise InputError(msg)
        return _assemble(json.loads(head[_FORMAT]), arrays)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        msg = f"{wanted}, which cannot be read ({error}): run `feingold learn` again"
        raise InputError(msg) from error


def _assemble(facts: dict[str, Any], arrays: dict[str, Any]) -> StoredStudent:
    student = Student(
        facts["kind"],
        Words(
            Vocabulary(facts["prompt_terms"], arrays["prompt_idf"]),
            Vocabulary(facts["answer_terms"], arrays["answer_idf"]),
        ),
        Signals(facts["signals"], arrays["signal_edges"]),
        Members(
            Linear(arrays["linear_weights"], facts["linear_intercept"]),
            Kernel(
                arrays["kernel_support"],
                arrays["kernel_weights"],
                facts["kernel_gamma"],
                facts["kernel_intercept"],
            ),
        ),
        Scale(tuple(facts["spreads"]), arrays["scale_points"], arrays["scale_values"]),
        HeldOut(**facts["held_out"]),
        facts["origin"],
    )
    return StoredStudent(student, arrays["token_weights"], facts["encoder"], facts["model"])
