"""Verifies an answer inside a job: at once, or in the sandbox if the check runs programs."""

from collections.abc import Generator
from functools import partial

from flows.methods.jobs import Work
from flows.sandbox.check import Verdict, check_program
from flows.sandbox.run import Limits, find_obstacle
from quality.verifiers import RUN_KINDS, Check, verify
from schemas.errors import InputError


def verify_answer(
    check: Check, answer: str, limits: Limits | None = None
) -> Generator[Work, Verdict, Verdict]:
    """Say whether an answer passes a check.

    Args:
        check: see `quality.verifiers`.
        answer: untrusted.
        limits: of a program; null for the usual ones.
    """
    if check.get("kind") not in RUN_KINDS:
        return Verdict(verify(check, answer))
    found = yield Work(partial(check_program, check, answer, limits))
    return found


def check_can_run(name: str, remedy: str) -> None:
    """Check that this machine can run programs.

    Args:
        name: of the generator.
        remedy: what the user can do without.

    Raises:
        InputError: if it cannot.
    """
    obstacle = find_obstacle()
    if obstacle is not None:
        msg = f"expected a machine that can run the programs of {name}, got: {obstacle}; {remedy}"
        raise InputError(msg)
