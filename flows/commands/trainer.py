"""`feingold trainer`: data and configuration of a trainer, with published settings."""

import argparse
from dataclasses import asdict
from typing import Any

import polars as pl

from flows.runner import tell
from flows.trainers.writing import Plan, find_method, write_trainer
from flows.versions import SPLIT, open_version, read_data, scan_rows


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write what a trainer needs to train on the split `train` of a version."""
    method = find_method(arguments.method)
    folder, manifest = open_version(arguments.path, home=arguments.home)
    trained = scan_rows(folder).filter(pl.col(SPLIT) == "train").select("id").collect()
    rows = read_data(folder).join(trained, on="id", how="semi")
    done = write_trainer(
        rows,
        Plan(method, arguments.trainer, arguments.model, arguments.tokenizer),
        title=f"{manifest.name} {manifest.version}, {manifest.content_sha256[:16]}",
        out=arguments.out,
    )
    answer = {
        "dataset": manifest.name,
        "version": manifest.version,
        "method": method.name,
        "trainer": arguments.trainer,
        "model": arguments.model,
        "path": str(arguments.out),
        **asdict(done),
        "settings": {
            name: {"value": setting.value, "source": setting.source}
            for name, setting in {
                "length": method.length,
                **method.peft,
                **method.training,
            }.items()
        },
    }
    tell(_describe(answer))
    return answer


def _describe(answer: dict[str, Any]) -> str:
    lines = [
        f"{answer['dataset']} {answer['version']} for {answer['trainer']}, {answer['method']}: "
        f"{answer['rows']:,} rows as {answer['form']}, {answer['steps']:,} steps",
        f"  {', '.join(answer['files'])} in {answer['path']}",
    ]
    lines += [f"  {count:,} left out: {reason}" for reason, count in answer["left_out"].items()]
    lines += [f"  warning: {line}" for line in answer["warnings"]]
    return "\n".join(lines)
