"""`feingold learn`: a student from labelled files."""

import argparse
import time
from pathlib import Path
from typing import Any

from flows.disk import require_writable
from flows.labels import read_labels
from flows.runner import prepare_environment, tell


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Learn from labelled files, say how well it went, write the student."""
    started = time.monotonic()
    for directory in (arguments.home, arguments.out.parent):
        require_writable(directory)
    prepare_environment()
    files = read_labels(arguments.inputs, Path.cwd())
    # scikit-learn and torch take seconds to import; wrong files are told before.
    from flows.student.files import save_student
    from flows.student.stage import describe
    from flows.student.teach import teach_labels
    from flows.student.vectors import VectorMaker

    stored = teach_labels(files, VectorMaker(arguments.home / "models"))
    sha256 = save_student(stored, arguments.out)
    held_out = stored.student.held_out
    tell(
        f"{arguments.out}: learned from {held_out.rows:,} rows of {held_out.prompts:,} prompts "
        f"({stored.student.kind})\n"
        f"  on prompts it had not seen, {held_out.measure.replace('_', ' ')} "
        f"{held_out.value:.3f} [{held_out.low:.3f}, {held_out.high:.3f}]; plain length "
        f"{held_out.length:.3f} [{held_out.length_low:.3f}, {held_out.length_high:.3f}]\n"
        f"  use it: `student: {{path: {arguments.out}}}` in a recipe, or "
        f"`feingold score FILE --student {arguments.out}`"
    )
    seconds = round(time.monotonic() - started, 2)
    return {"path": str(arguments.out), "sha256": sha256, **describe(stored), "seconds": seconds}
