"""The command line: arguments in, one command called, one answer out."""

import argparse
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from schemas.errors import FeingoldError, InputError

_DESCRIPTION = "Turns a teacher model and raw data into a small, clean, versioned dataset."

# Verb to its help line; `flows.commands.<verb>` is imported only when the verb is called, so that
# `--help` is quick.
_VERBS = {
    "run": "the main job: sources and teacher to a published version",
    "refresh": "run, but only over what is new since the last version",
    "plan": "what `run` would ask and cost; asks nobody",
    "curate": "the same as run without a teacher, over existing files",
    "dedup": "deduplicate files only",
    "score": "score files only",
    "judge": "let a teacher rate files, or compare two answers to each task",
    "learn": "make a student from labelled files, which scores any number of rows",
    "tune": "what rules and thresholds would drop, from stored scores",
    "explain": "the whole story of one row, kept or dropped",
    "diff": "what changed between two versions",
    "verify": "prove that a version is as it was published",
    "prune": "delete old versions, and stages that nothing will use again",
    "export": "write a version for a trainer",
    "trees": "message trees from one export form to the other, nested or flat",
    "trainer": "data and configuration of a trainer, with published settings",
    "audit": "what a trainer would cut off, and whether a model would learn to stop",
    "publish": "push a version to the Hugging Face Hub",
    "report": "rebuild the HTML report of a version",
    "prove": "the quality-against-size experiment",
    "journal": "list, size, verify, export or prune the replies that were paid for",
    "batch": "write requests for an offline engine, read its replies",
    "doctor": "check installation, models, teacher and Hub token",
    "schema": "print the JSON Schema of a recipe, for editors",
}


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing a page of usage."""

    def error(self, message: str) -> NoReturn:
        msg = f"{message}: see `{self.prog} --help`"
        raise InputError(msg)


def build_parser() -> argparse.ArgumentParser:
    """Describe every verb and flag."""
    parser = _Parser(prog="feingold", description=_DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    made = {}
    for verb, line in _VERBS.items():
        made[verb] = verbs.add_parser(verb, help=line, description=line.capitalize() + ".")
        made[verb].add_argument("--json", action="store_true", help="one JSON object on stdout")
        made[verb].add_argument(
            "--home", type=Path, default=Path(".feingold"), help="journal, stages and models"
        )
    _add_recipe_arguments(made)
    _add_file_arguments(made)
    _add_version_arguments(made)
    _add_quality_arguments(made)
    _add_journal_arguments(made["journal"])
    _add_batch_arguments(made["batch"])
    return parser


def _add_recipe_arguments(made: Mapping[str, argparse.ArgumentParser]) -> None:
    """Verbs that take a recipe."""
    for verb in ("run", "refresh", "plan", "prove"):
        made[verb].add_argument("recipe", type=Path, metavar="RECIPE")
        made[verb].add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="override one field"
        )
    for verb in ("run", "refresh"):
        made[verb].add_argument(
            "--offline", action="store_true", help="replay the journal, ask nobody"
        )
    made["refresh"].add_argument(
        "--full", action="store_true", help="let all rows go by today's rules again; ask for none"
    )
    for verb in ("run", "refresh", "curate"):
        made[verb].add_argument(
            "--out", type=Path, default=Path("published"), help="directory of versions"
        )
    for flag, text in (
        ("--params", "of a model to train, such as 111M or 7B: adds what that takes"),
        ("--unique-tokens", "to train it on, such as 1.5B; those of this dataset by default"),
        ("--flops-per-second", "that the hardware really does, such as 150T: adds hours"),
    ):
        made["plan"].add_argument(flag, metavar="N", help=text)
    made["doctor"].add_argument("recipe", type=Path, nargs="?", metavar="RECIPE")


def _add_file_arguments(made: Mapping[str, argparse.ArgumentParser]) -> None:
    """Verbs that take data files."""
    for verb in ("curate", "dedup", "score"):
        made[verb].add_argument("inputs", nargs="+", metavar="INPUT", help="file, glob or hf:name")
    made["curate"].add_argument("--recipe", type=Path, help="rules to apply; its sources give way")
    made["curate"].add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    _add_dedup_arguments(made["dedup"])
    made["score"].add_argument("--scorers", metavar="A,B", help="default: all")
    made["score"].add_argument(
        "--student", type=Path, metavar="FILE", help="made by `feingold learn`"
    )
    made["score"].add_argument("--out", type=Path, help="Parquet file")
    trees = made["trees"]
    trees.add_argument("path", type=Path, metavar="PATH", help="JSONL, or a version of grown trees")
    trees.add_argument("--out", type=Path, required=True, metavar="FILE", help="x.messages.jsonl")
    trees.add_argument("--form", choices=("trees", "messages"), help="if its name does not say")


def _add_quality_arguments(made: Mapping[str, argparse.ArgumentParser]) -> None:
    """Verbs that rate rows, learn from ratings, or choose thresholds."""
    judge = made["judge"]
    judge.add_argument("inputs", nargs="+", metavar="INPUT", help="file, glob or hf:name")
    judge.add_argument("--recipe", type=Path, help="its `teacher` and `judge` are used")
    judge.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    judge.add_argument("--rows", type=_count, metavar="N", help="rated; all by default")
    judge.add_argument(
        "--pairs", action="store_true", help="files hold two answers to each task: chosen, rejected"
    )
    judge.add_argument("--out", type=Path, metavar="FILE", help="Parquet")
    learn = made["learn"]
    learn.add_argument("inputs", nargs="+", metavar="LABELS", help="labelled file")
    learn.add_argument("--out", type=Path, default=Path("student.safetensors"), metavar="FILE")
    tune = made["tune"]
    tune.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH", help="version, or file made by `score`"
    )
    tune.add_argument("--column", metavar="A", help="one score in detail")
    tune.add_argument("--labels", nargs="+", default=[], metavar="F", help="labelled files")
    tune.add_argument("--precision", type=float, default=0.9, help="of what is dropped; 0.9")
    tune.add_argument("--thresholds", metavar="A,B", help="to look at, with --column")
    tune.add_argument("--out", type=Path, metavar="FILE", help="Parquet or CSV of the table")


def _add_dedup_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--method", default="exact,lexical,semantic", metavar="A,B")
    verb.add_argument(
        "--threshold", type=float, help="Jaccard of lexical; cosine where semantic runs alone"
    )
    verb.add_argument(
        "--thresholds", metavar="A,B", help="drop nothing: show what each would drop, e.g. 0.6,0.7"
    )
    verb.add_argument(
        "--calibrate", type=_row_count, nargs="?", const=500, metavar="ROWS",
        help="drop nothing: plant duplicates of that many rows (500), measure how many are found",
    )  # fmt: skip
    verb.add_argument("--columns", metavar="A,B", help="compared: instruction,input by default")
    verb.add_argument("--shingle", type=_count, metavar="WORDS", help="in a shingle; 3")
    verb.add_argument(
        "--containment", type=float, metavar="SHARE",
        help="of a row's shingles that suffices in one at most twice as long; off by default",
    )  # fmt: skip
    verb.add_argument(
        "--mask", action="append", default=[], metavar="TEMPLATE",
        help='text around the slots that does not count, e.g. "Sum up: {text}"; repeatable',
    )  # fmt: skip
    verb.add_argument(
        "--no-guards", dest="guards", action="store_false",
        help="let rows that differ in numbers, negations, names ... count as duplicates",
    )  # fmt: skip
    verb.add_argument(
        "--answers", choices=("best", "all"), default="best",
        help="of several answers to one prompt keep the best, or all that differ",
    )  # fmt: skip
    verb.add_argument("--runner", choices=("local", "ray"), default="local", help="where it runs")
    verb.add_argument("--workers", type=_count, metavar="N", help="threads; one a core by default")
    verb.add_argument("--against", nargs="+", default=[], metavar="VERSION")
    verb.add_argument("--out", type=Path, help="directory for kept and dropped")


def _count(text: str) -> int:
    """Read a number above 0."""
    if not text.isdecimal() or int(text) < 1:
        msg = f"expected a whole number above 0, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _row_count(text: str) -> int:
    """Read the number behind a flag that may stand alone, where a file is easily taken for it."""
    if not text.isdecimal() or int(text) < 1:
        msg = f"expected a number of rows above 0, got {text!r}; put files before the flag"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _add_version_arguments(made: Mapping[str, argparse.ArgumentParser]) -> None:
    """Verbs that take a published version."""
    for verb in ("explain", "export", "publish", "report"):
        made[verb].add_argument("path", type=Path, metavar="PATH", help="of a published version")
    made["explain"].add_argument("id", metavar="ID", help="of a row; a unique beginning will do")
    made["diff"].add_argument("old", type=Path, metavar="A")
    made["diff"].add_argument("new", type=Path, metavar="B")
    made["verify"].add_argument("path", type=Path, metavar="PATH", help="of a published version")
    for verb in ("explain", "diff", "verify", "prune"):
        made[verb].add_argument(
            "--out", type=Path, default=Path("published"), help="directory of versions, for names"
        )
    _add_prune_arguments(made["prune"])
    audit = made["audit"]
    audit.add_argument("path", type=Path, metavar="PATH", help="of a published version")
    audit.add_argument("--tokenizer", metavar="DIR", help="directory or Hub name; SmolLM2 if none")
    audit.add_argument(
        "--lengths",
        default="512,1024,2048,4096",
        metavar="A,B",
        help="where rows are cut, in tokens",
    )
    audit.add_argument(
        "--out", type=Path, metavar="FILE", help="Parquet of rows at the first length"
    )
    audit.add_argument(
        "--masks", type=Path, metavar="FILE",
        help="what a trainer prepared: Parquet or JSONL with input_ids and labels; is checked",
    )  # fmt: skip
    _add_trainer_arguments(made["trainer"])
    made["export"].add_argument("--format", required=True)
    made["export"].add_argument("--out", type=Path, required=True, metavar="FILE")
    _add_publish_arguments(made["publish"])


def _add_trainer_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("path", type=Path, metavar="PATH", help="of a published version")
    verb.add_argument(
        "--method", required=True, metavar="NAME",
        help="lora, lora-defaults, qlora or llama-adapter",
    )  # fmt: skip
    verb.add_argument(
        "--for", dest="trainer", choices=("peft", "axolotl", "llamafactory"), default="peft",
        help="who trains; peft by default",
    )  # fmt: skip
    verb.add_argument("--model", required=True, metavar="NAME", help="directory or Hub name")
    verb.add_argument(
        "--tokenizer", metavar="DIR", help="directory or Hub name; for peft the model's by default"
    )
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the files")


def _add_publish_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--to", required=True, metavar="OWNER/NAME", help="dataset on the Hub")
    verb.add_argument("--private", action="store_true", help="only its members see it")
    verb.add_argument(
        "--rejects", action="store_true", help="also push the text of dropped and unreadable rows"
    )
    verb.add_argument(
        "--allow-personal-data", action="store_true",
        help="push although addresses, phone, card or account numbers were found",
    )  # fmt: skip


def _add_prune_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("path", type=Path, nargs="?", metavar="PATH", help="of a dataset")
    verb.add_argument("--keep", type=_count, metavar="N", help="newest versions that stay")
    verb.add_argument("--pushed", action="store_true", help="also versions that are on the Hub")
    verb.add_argument(
        "--stages", action="store_true", help="stages of the home that no run can use again"
    )
    verb.add_argument("--yes", action="store_true", help="really delete")


def _add_journal_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "action", choices=("list", "size", "verify", "export", "prune"), metavar="ACTION",
        help="list, size, verify, export or prune",
    )  # fmt: skip
    verb.add_argument("--out", type=Path, metavar="FILE", help="of export; Parquet")
    verb.add_argument("--model", help="only replies of this model")
    verb.add_argument("--dataset", help="only replies that this dataset paid for")
    verb.add_argument("--older-than", metavar="AGE", help="of prune; such as 90d, 12w, 36h")
    verb.add_argument("--failures", action="store_true", help="of prune; only stored failures")
    verb.add_argument("--yes", action="store_true", help="of prune; really delete")


def _add_batch_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("action", choices=("write", "read"), metavar="ACTION", help="write or read")
    verb.add_argument("recipe", type=Path, metavar="RECIPE")
    verb.add_argument("file", type=Path, nargs="?", metavar="FILE", help="of read; JSONL")
    verb.add_argument("--out", type=Path, metavar="FILE", help="of write; JSONL")
    verb.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    wants_json = "--json" in words
    home = Path(".feingold")
    try:
        arguments = build_parser().parse_args(words)
        home = arguments.home
        command: Callable[[argparse.Namespace], dict[str, Any]]
        command = importlib.import_module(f"flows.commands.{arguments.verb}").run
        answer = command(arguments)
    except FeingoldError as error:
        return _fail(error, home, wants_json=wants_json)
    except KeyboardInterrupt:
        print("\nstopped; what was done is kept, the same command goes on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: one line, the trace in a file
        return _crash(error, home, wants_json=wants_json)
    if wants_json:
        print(json.dumps(answer, ensure_ascii=False))
    return 0


def _fail(error: FeingoldError, home: Path, *, wants_json: bool) -> int:
    print(f"feingold: {_one_line(error)}", file=sys.stderr)
    if error.__cause__ is not None and str(error).startswith("unexpected"):
        _keep_trace(error, home)
    if wants_json:
        line = _one_line(error)
        is_input = isinstance(error, InputError)
        answer = {"error": line} if is_input else {**(error.summary or {}), "error": line}
        print(json.dumps(answer, ensure_ascii=False))
    return error.exit_code


def _crash(error: Exception, home: Path, *, wants_json: bool) -> int:
    """Say one line about a bug of ours and keep its trace for the report."""
    line = f"unexpected {type(error).__name__}: {_one_line(error)[:300]}"
    trace = _keep_trace(error, home)
    if trace is not None:
        line += f"; the trace is in {trace}, finished work is kept, please report it"
    print(f"feingold: {line}", file=sys.stderr)
    if wants_json:
        print(json.dumps({"error": line}, ensure_ascii=False))
    return 1


def _keep_trace(error: Exception, home: Path) -> Path | None:
    """Write the trace of a bug of ours into the home; print it where that fails."""
    trace = home / "crash.log"
    try:
        home.mkdir(parents=True, exist_ok=True)
        trace.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        traceback.print_exception(error)
        return None
    return trace


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
