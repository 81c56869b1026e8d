"""The dataset card: a true header for the Hub, and what a reader wants to know first."""

import re
from collections.abc import Sequence
from typing import Any

import polars as pl
import yaml

from flows.generate.accounts import describe
from flows.publishers.changelog import render_changelog
from flows.publishers.evidence import evidence_tables
from flows.publishers.layout import splits_of
from flows.publishers.sources import source_tables
from flows.publishers.terms import HUB_LICENSES, normalise_license
from flows.training import describe_sums
from schemas.manifest import DatasetManifest, LocalWeights

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
# Of a row in the signature file; a test runs it.
_MINHASH = """\
row = pl.read_parquet("signatures/lexical-00000.parquet").row(0, named=True)
sketch = MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=int)
sketch.update_batch(np.array(row["shingles"], np.uint64).astype(np.uint32))"""
#: Lines that say something else where the card is shown elsewhere.
REJECTS_LINE = (
    "Every row that is out is in `rejects/`, with the rule, value, threshold and matched row in "
    "`decisions/`."
)
LOADED_FROM = '"path/to/this/directory", "default", split="train"'
_COSTS = ("requests", "tokens")
_EXAMPLES = 3
_EXAMPLE_CHARACTERS = 400


def render_card(manifest: DatasetManifest, rows: pl.DataFrame) -> str:
    """Return README.md of a version.

    Args:
        manifest: of the version.
        rows: the published rows, sorted by id.
    """
    parts = [
        f"---\n{yaml.safe_dump(_header(manifest), sort_keys=False, allow_unicode=True)}---",
        f"# {manifest.name} {manifest.version}",
        str(manifest.notes.get("description") or "").strip(),
        _overview(manifest),
        _funnel(manifest),
        _evidence(manifest),
        _training(manifest),
        _sources(manifest),
        _examples(rows),
        _loading(manifest),
        _signatures(),
        render_changelog(manifest),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _header(manifest: DatasetManifest) -> dict[str, Any]:
    """The YAML that the Hub reads."""
    license_id = normalise_license(manifest.license) or manifest.license.lower()
    is_known = license_id in HUB_LICENSES
    header: dict[str, Any] = {
        "license": license_id if is_known else "other",
        "language": manifest.languages,
    }
    if not is_known:
        header["license_name"] = license_id
    elif license_id == "other":
        named = sorted({source.license or "unknown" for source in manifest.sources if source.kept})
        header["license_name"] = " and ".join(named)
    header |= {
        "pretty_name": manifest.name,
        "size_categories": [
            next((label for limit, label in _SIZES if manifest.kept < limit), "10M<n<100M")
        ],
        "task_categories": ["text-generation"],
        "tags": [*(["synthetic"] if manifest.teacher else []), "instruction-tuning", "feingold"],
        **({"source_datasets": found} if (found := _source_datasets(manifest)) else {}),
        "configs": [
            {
                "config_name": name,
                **({"default": True} if name == "default" else {}),
                "data_files": [
                    {"split": split, "path": f"data/{name}/{split}-*.parquet"}
                    for split in splits_of(manifest, name)
                ],
            }
            for name in manifest.configs
        ],
    }
    return header


def _source_datasets(manifest: DatasetManifest) -> list[str]:
    """The Hub's datasets that rows are from, and `original` where a teacher made some."""
    made = ["original"] if manifest.teacher else []
    kept = sorted(source.name for source in manifest.sources if source.kept)
    return made + [name.removeprefix("hf:") for name in kept if name.startswith("hf:")]


def _overview(manifest: DatasetManifest) -> str:
    lines = [
        f"{manifest.kept:,} of {manifest.rows_in:,} rows were kept; {manifest.dropped:,} were "
        f"dropped and {manifest.quarantined:,} could not be read. {REJECTS_LINE}",
    ]
    for teacher in manifest.teachers:
        terms = teacher.license or "not stated: check the provider's terms"
        tokens = teacher.tokens.prompt + teacher.tokens.completion
        lines.append(
            f"Teacher: `{teacher.model}` at `{teacher.base_url}` (licence or terms of its output: "
            f"{terms}). This run sent {teacher.requests.sent:,} requests ({tokens:,} tokens, "
            f"US$ {teacher.cost_usd:.2f}) and replayed {teacher.requests.replayed:,} from its "
            "journal."
        )
        if teacher.weights is not None:
            lines.append(_weights(teacher.weights, teacher.weights_sha256))
    lines += [
        f"The generator {name} stopped before its target: {limit}."
        for name, limit in manifest.notes.get("stopped_by", {}).items()
    ]
    account = manifest.notes.get("per_accepted")
    if isinstance(account, dict):
        lines.append(f"Cost of generation: {describe(account)}, replayed requests included.")
    return "\n\n".join(lines)


def _weights(weights: LocalWeights, sha256: str | None) -> str:
    """Which file answered, and how it was sampled."""
    template = weights.chat_template_sha256
    sampler = ", ".join(f"{name} {value:g}" for name, value in weights.sampler.items())
    return (
        f"Its weights: `{_cell(weights.file)}`, sha256 `{sha256}`, {_cell(weights.architecture)}, "
        f"{_cell(weights.quantization)}, {weights.parameters:,} parameters; "
        + (f"chat template sha256 `{template}`" if template else "no chat template in the file")
        + f"; served by llama.cpp with {weights.context:,} tokens a request and {sampler} "
        "(temperature and seed are in each request)."
    )


def _funnel(manifest: DatasetManifest) -> str:
    stages = [
        [stage["stage"], stage["rows_in"], stage["kept"], stage["dropped"] + stage["quarantined"]]
        for stage in manifest.by_stage
    ]
    rules = [[f"`{rule}`", count] for rule, count in manifest.by_rule.items()]
    return "\n\n".join(
        [
            "## What became of the rows",
            _table(["stage", "in", "kept", "out"], stages),
            _table(["rule", "rows"], rules) if rules else "No rule took a row.",
            *_arms(manifest),
        ]
    )


def _arms(manifest: DatasetManifest) -> list[str]:
    """What the rows of each arm of a generator cost, where there are several."""
    account = manifest.notes.get("per_accepted") or {}
    lines = [
        [source, arm, cost["rows"], *("–" if cost[n] is None else cost[n] for n in _COSTS)]
        for source, arms in account.get("by_arm", {}).items()
        if len(arms) > 1
        for arm, cost in arms.items()
    ]
    return [_table(["generator", "arm", "rows", "requests a row", "tokens a row"], lines)] * bool(
        lines
    )


def _evidence(manifest: DatasetManifest) -> str:
    """What the scores and rules that decided are worth."""
    parts = [
        f"{table.text}\n\n{_table(table.header, table.rows)}" for table in evidence_tables(manifest)
    ]
    return "## Evidence\n\n" + "\n\n".join(parts) if parts else ""


def _training(manifest: DatasetManifest) -> str:
    """The arithmetic of training a model on these rows, where the recipe names one."""
    sums = manifest.notes.get("training")
    if sums is None:
        return ""
    lines = "\n".join(f"- {line}" for line in describe_sums(sums))
    return f"## Training a model\n\n{lines}"


def _sources(manifest: DatasetManifest) -> str:
    rows = [
        [source.name, source.license or "not stated", source.rows, source.kept]
        for source in manifest.sources
    ]
    parts = ["## Sources", _table(["source", "licence", "rows", "kept"], rows)]
    for table in source_tables(manifest):
        parts += [table.text, _table(table.header, table.rows)]
    return "\n\n".join(parts)


def _examples(rows: pl.DataFrame) -> str:
    """A few rows, as text that cannot break out of its fence."""
    shown = []
    for row in rows.head(_EXAMPLES).iter_rows(named=True):
        turns = "\n\n".join(f"[{turn['role']}]\n{turn['content']}" for turn in row["messages"])
        text = turns[:_EXAMPLE_CHARACTERS] + (" ..." if len(turns) > _EXAMPLE_CHARACTERS else "")
        fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=2) + 3)
        shown.append(f"{fence}text\n{text}\n{fence}")
    return "## Examples\n\n" + "\n\n".join(shown)


def _loading(manifest: DatasetManifest) -> str:
    configs = ", ".join(f"`{name}` ({count:,} rows)" for name, count in manifest.configs.items())
    return (
        f"## Loading\n\nConfigs: {configs}.\n\n```python\nfrom datasets import load_dataset\n\n"
        f"rows = load_dataset({LOADED_FROM})\n```\n\n"
        f"Content hash `{manifest.content_sha256}`; every file's hash is in `manifest.json`. "
        f"Made by feingold {manifest.feingold} from `recipe.yaml`."
    )


def _signatures() -> str:
    """What the files without text are for, and what they are not."""
    return (
        "## Signatures\n\n`feingold dedup NEW --against` this directory finds what repeats a row "
        "of it. `manifest.json` and `signatures/` suffice for that: they hold hashes of words and "
        "of runs of words, no text. They are not encrypted: with a dictionary, words can be read "
        "back. The MinHash of a row, as datasketch 2 makes it:\n\n"
        f"```python\n{_MINHASH}\n```"
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; cell text is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
