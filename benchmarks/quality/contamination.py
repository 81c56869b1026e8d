"""Measure how much benchmark text is found in rows, and how many rows are dropped for nothing.

    POLARS_MAX_THREADS=1 OMP_NUM_THREADS=1 \\
        python -m benchmarks.quality.contamination --labels ../shared/data

Prints Markdown. Rephrased GSM8K items and copies of the items of five benchmarks are planted among
the rows of raw Alpaca; independent German translations stand for rephrased tasks without numbers.
"""

import argparse
import datetime as dt
import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
import polars as pl

from flows.decontaminate.fields import read_question
from flows.decontaminate.semantic import find_rephrased
from flows.encoders import SentenceEncoder
from flows.ingest import read_source
from flows.progress import Progress
from quality.decontaminate import (
    RULES,
    BenchmarkItem,
    choose_hits,
    find_verbatim,
)
from quality.decontaminate.references import make_references, search_rows
from quality.decontaminate.sentences import plain_sentences
from quality.dedup.cosines import Vectors
from quality.ids import number_copies
from quality.intervals import wilson
from schemas.frames import ROWS
from schemas.recipe import SemanticContaminationOptions

BENCHMARKS = {
    "gsm8k_test": "GSM8K",
    "humaneval": "HumanEval",
    "mt_bench": "MT-Bench",
    "alpaca_eval": "AlpacaEval",
    "ifeval": "IFEval",
}
# From this line on, the first German translation is SLIP lines above the second.
SLIPS_AT, SLIP = 570, 50
GPT3_NGRAM = 13
# Every tenth row of Alpaca is compared with every item by the encoder alone.
SAMPLE = 10
# Of a hundred words, how many are replaced in copies of items.
NOISE = (0, 2, 5, 10)

#: Row id to the items that a method links it to.
Links: TypeAlias = Mapping[str, set[int]]


class Method(NamedTuple):
    """What a method linked, and what it cost."""

    name: str
    links: Links
    seconds: float
    rows: int
    rules: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Data:
    """What is measured on."""

    alpaca: pl.DataFrame
    items: dict[str, list[BenchmarkItem]]
    rephrased: list[str]
    german: list[dict[str, dict[str, str]]]
    threshold: float


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--labels", type=Path, required=True, help="folder of shared data")
    default = SemanticContaminationOptions().threshold
    parser.add_argument("--threshold", type=float, default=default, help="of `semantic`")
    args = parser.parse_args()
    data, encoder = read_data(args.labels, args.threshold), SentenceEncoder()
    print(f"# Decontamination on planted and raw rows\n\n{_describe_run()}\n")
    for section in (report_rephrased, report_changed, report_alpaca, report_german, report_copies):
        print(section(data, encoder), end="\n\n", flush=True)


def _describe_run() -> str:
    date = dt.datetime.now(dt.UTC).date().isoformat()
    return (
        f"{date}, {os.cpu_count()} cores, Polars {pl.__version__}, one thread, on a busy machine. "
        "Written by `python -m benchmarks.quality.contamination --labels ../shared/data`. "
        "Intervals: 95 % Wilson. Default options. The form of the rules was found looking at all "
        "660 rephrased items, their constants were set on those whose text has an even hash; the "
        "German pairs and the other benchmarks served to choose the threshold, too. Nothing here "
        "is a test on data that nobody had seen."
    )


def read_data(folder: Path, threshold: float) -> Data:
    """Read Alpaca, the benchmarks and the translations below `folder`."""
    alpaca = number_copies(read_source(folder / "alpaca/alpaca_data.json", name="alpaca").rows)
    items = {
        name: [_item(name, number, line) for number, line in enumerate(_lines(path))]
        for name, path in ((name, folder / f"benchmarks/{name}.jsonl") for name in BENCHMARKS)
    }
    rephrased = _lines(folder / "benchmarks/gsm8k_test_rephrased_first_half.jsonl")
    german = _lines(folder / "german/en_de_de.jsonl")
    return Data(alpaca, items, [line["text"] for line in rephrased], german, threshold)


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _item(benchmark: str, number: int, line: Mapping[str, str]) -> BenchmarkItem:
    question = read_question(line)
    assert question is not None
    return BenchmarkItem(benchmark, number, **question._asdict())


def plant(texts: Iterable[tuple[str, str, str, str]]) -> pl.DataFrame:
    """Make rows of (id, instruction, input, output)."""
    found = pl.DataFrame(list(texts), schema=["id", "instruction", "input", "output"], orient="row")
    return pl.concat([pl.DataFrame(schema=dict(ROWS)), found], how="diagonal")


def question_of(rephrased: str) -> str:
    """Return the question of a line "Question: ... Answer: ..."."""
    return rephrased.partition("Question:")[2].partition("\nAnswer:")[0].strip()


def feingold(
    data: Data, rows: pl.DataFrame, items: Sequence[BenchmarkItem], encoder: SentenceEncoder
) -> list[Method]:
    """Run the first part, and both, with the default options."""
    started = time.process_time()
    verbatim = find_verbatim(rows, items).hits
    middle = time.process_time()
    rephrased = find_rephrased(
        rows.filter(~pl.col("id").is_in(verbatim["id"].implode())),
        items,
        threshold=data.threshold,
        load=lambda: encoder,
        progress=Progress(),
    )
    ended = time.process_time()
    return [
        _method("n-grams and whole sentences", verbatim, middle - started, rows),
        _method("**both parts**", pl.concat([verbatim, rephrased.hits]), ended - started, rows),
    ]


def _method(name: str, hits: pl.DataFrame, seconds: float, rows: pl.DataFrame) -> Method:
    chosen = choose_hits(hits)
    links = {row: {item} for row, item in chosen.select("id", "item").iter_rows()}
    rules = dict(chosen.select("id", "rule").iter_rows())
    return Method(name, links, seconds, rows.height, rules)


def gpt3(rows: pl.DataFrame, items: Sequence[BenchmarkItem]) -> Method:
    """One shared word 13-gram is a hit, as in GPT-3."""
    started = time.process_time()
    references = make_references(items, ngram=GPT3_NGRAM)
    found = search_rows(rows, references).grams
    owners = pl.DataFrame({"text": [part.text for part in references.parts]}).with_row_index("item")
    pairs = found.join(references.grams.members, on="gram").join(owners, on="text")
    links: dict[str, set[int]] = {}
    ids = rows["id"]
    for row, item in pairs.select("row", "item").unique().iter_rows():
        links.setdefault(ids[row], set()).add(item)
    return Method("one word 13-gram", links, time.process_time() - started, rows.height)


def exact(rows: pl.DataFrame, items: Sequence[BenchmarkItem]) -> Method:
    """The prompt is an item, apart from case, punctuation and space."""
    started = time.process_time()
    known: dict[tuple[str, ...], set[int]] = {}
    for number, item in enumerate(items):
        known.setdefault(plain_sentences(item.whole), set()).add(number)
    prompts = rows.select("id", pl.concat_str("instruction", "input", separator="\n"))
    links = {
        row: known[plain]
        for row, prompt in prompts.iter_rows()
        if (plain := plain_sentences(prompt)) in known
    }
    return Method("exact prompt", links, time.process_time() - started, rows.height)


def report_rephrased(data: Data, encoder: SentenceEncoder) -> str:
    """Rephrased GSM8K among Alpaca."""
    items = data.items["gsm8k_test"]
    questions = [question_of(text) for text in data.rephrased]
    truth = {f"p{number}": number for number in range(len(questions))}
    planted = plant((row, questions[number], "", "") for row, number in truth.items())
    pool = pl.concat([data.alpaca.select(list(ROWS)), planted])
    parts = feingold(data, pool, items, encoder)
    alone, threshold = cosine_alone(data, questions, encoder)
    methods = [exact(pool, items), gpt3(pool, items), parts[0], alone, parts[1]]
    lines = [_line(method.name, method, truth, truth) for method in methods]
    for name, odd in (("first half (even hash)", False), ("second half (odd hash)", True)):
        half = {row: n for row, n in truth.items() if is_odd(questions[n]) is odd}
        lines.append(_line(f"both parts, {name}", parts[1], half, truth))
    forms = plant(_forms(data.rephrased))
    everywhere = {row: int(row[1:]) for row in forms["id"]}
    parts = feingold(data, pl.concat([data.alpaca.select(list(ROWS)), forms]), items, encoder)
    for letter, form in _FORMS.items():
        some = {row: number for row, number in everywhere.items() if row[0] == letter}
        lines.append(_line(f"both parts, {form}", parts[1], some, everywhere))
    return (
        f"## {len(questions)} rephrased GSM8K items among {data.alpaca.height:,} rows of Alpaca\n\n"
        "The benchmark is all of GSM8K test. A planted row is right if it is linked to its own "
        "item; any other link of it, and any hit on an Alpaca row, is wrong. One planted text is "
        "empty, and a few leave out what the item asks for. "
        f"The cosine alone was given its best threshold, {threshold:.2f}, and only every "
        f"{SAMPLE}th row of Alpaca: its alarms are {SAMPLE} times what was counted. The last three "
        "lines plant a third of the items each in other places.\n\n"
        "| method | recall | precision | wrong item | Alpaca rows | CPU s | rows/s |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(lines)
    )


_FORMS = {
    "f": "in one field with `Question:` and `Answer: #### n`",
    "i": "as the input of another instruction",
    "o": "in an answer",
}


def _forms(rephrased: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    """Plant a third each as the file has it, as an input, and in an answer."""
    for number, text in enumerate(rephrased):
        question = question_of(text)
        if number % 3 == 0:
            yield f"f{number}", text, "", ""
        elif number % 3 == 1:
            yield f"i{number}", "Solve the problem. Explain every step.", question, "It is 3."
        else:
            yield f"o{number}", "Write a problem.", "", f"With pleasure!\n\n{question}\n\nSolve it."


def cosine_alone(
    data: Data, questions: Sequence[str], encoder: SentenceEncoder
) -> tuple[Method, float]:
    """Link every text to its nearest item, from the threshold of the best F1."""
    sample = data.alpaca.filter(pl.col("id").str.slice(0, 8).str.to_integer(base=16) % SAMPLE == 0)
    prompts = sample.select(pl.concat_str("instruction", "input", separator="\n"))
    texts = [*questions, *prompts.to_series()]
    started = time.process_time()
    cosines = encoder.encode(texts) @ item_vectors(data, encoder).T
    seconds = time.process_time() - started
    best, nearest = cosines.max(axis=1), cosines.argmax(axis=1)
    weight = np.where(np.arange(len(texts)) < len(questions), 1, SAMPLE)
    is_right = nearest[: len(questions)] == np.arange(len(questions))

    def f1(threshold: float) -> float:
        right = int((is_right & (best[: len(questions)] >= threshold)).sum())
        return 2 * right / (len(questions) + int(weight[best >= threshold].sum()))

    threshold = max(np.arange(0.5, 0.95, 0.01), key=f1)
    links = {
        (f"p{place}" if place < len(questions) else f"alpaca{place}.{copy}"): {int(nearest[place])}
        for place in np.flatnonzero(best >= threshold)
        for copy in range(weight[place])
    }
    return Method("cosine of MiniLM alone", links, seconds, len(texts)), float(threshold)


@cache
def item_vectors(data: Data, encoder: SentenceEncoder) -> Vectors:
    """Encode the items of GSM8K, once."""
    return encoder.encode([item.whole for item in data.items["gsm8k_test"]])


def is_odd(text: str) -> bool:
    """Say which half a text belongs to."""
    return bool(hashlib.sha256(text.encode()).digest()[0] % 2)


def _line(name: str, method: Method, truth: Mapping[str, int], planted: Container[str]) -> str:
    right = sum(truth[row] in items for row, items in method.links.items() if row in truth)
    other = sum(row in truth for row in method.links) - right
    alarms = sum(row not in planted for row in method.links)
    return (
        f"| {name} | {share(right, len(truth))} | {share(right, right + other + alarms)} | {other} "
        f"| {alarms} | {method.seconds:.1f} | {method.rows / method.seconds:,.0f} |"
    )


def share(part: int, whole: int) -> str:
    """Return a share with its 95 % Wilson interval."""
    if not whole:
        return "-"
    low, high = wilson(part, whole)
    return f"{part / whole:.3f} [{low:.3f}, {high:.3f}]"


def report_changed(data: Data, encoder: SentenceEncoder) -> str:
    """The same rephrased items with one number changed: other problems in the same words."""
    items = data.items["gsm8k_test"]
    changed = [text for text in map(change_number, map(question_of, data.rephrased)) if text]
    rows = plant((f"p{number}", text, "", "") for number, text in enumerate(changed))
    parts = feingold(data, rows, items, encoder)
    nearest = (encoder.encode(changed) @ item_vectors(data, encoder).T).max(axis=1)
    return (
        f"## {len(changed)} rephrased GSM8K items with one number changed\n\n"
        "In each one number in digits, chosen by hash, is larger by one, so every hit is wrong. "
        "A change goes unseen where the new number is another one of the item.\n\n"
        "| method | hits |\n| --- | --- |\n"
        f"| cosine of MiniLM alone, 0.75 | {share(int((nearest >= 0.75).sum()), len(changed))} |\n"
        f"| both parts | {share(len(parts[1].links), len(changed))} |"
    )


def change_number(text: str) -> str:
    """Return a text with one of its numbers larger by one; "" where it has none above 1."""
    numbers = [
        found for found in re.finditer(r"(?<![\d.,])\d+(?![\d.,]*\d)", text) if int(found[0]) > 1
    ]
    if not numbers:
        return ""
    chosen = numbers[hashlib.sha256(text.encode()).digest()[1] % len(numbers)]
    return f"{text[: chosen.start()]}{int(chosen[0]) + 1}{text[chosen.end() :]}"


def report_alpaca(data: Data, encoder: SentenceEncoder) -> str:
    """Raw Alpaca, which is nearly clean, against each benchmark."""
    every = [item for items in data.items.values() for item in items]
    parts = feingold(data, data.alpaca, every, encoder)
    found = Counter(
        (every[min(items)].benchmark, parts[1].rules[row]) for row, items in parts[1].links.items()
    )
    old = Counter(every[min(items)].benchmark for items in gpt3(data.alpaca, every).links.values())
    lines = [
        f"| {BENCHMARKS[name]} | {len(items):,} | {old[name]} | "
        + " | ".join(str(found[name, rule]) for rule in RULES)
        + " |"
        for name, items in data.items.items()
    ]
    seconds = ", ".join(f"{part.name.strip('*')} {part.seconds:.0f} CPU s" for part in parts)
    return (
        "## Raw Alpaca against five benchmarks\n\n"
        f"Rows dropped by rule; {seconds} for all five at once.\n\n"
        "| benchmark | items | one word 13-gram | exact | n-gram | semantic |\n"
        "| --- | --- | --- | --- | --- | --- |\n" + "\n".join(lines)
    )


def report_german(data: Data, encoder: SentenceEncoder) -> str:
    """Two independent translations of one task: the one as an item, the other as a row."""
    truth, items = {}, []
    for line, both in enumerate(data.german):
        partner = line if line < SLIPS_AT else line + SLIP
        if line % 2 == 0 and partner < len(data.german):
            task = both["de_a"]
            truth[str(partner)] = len(items)
            items.append(BenchmarkItem("de", line, task["instruction"], given=task["input"]))
    rows = plant(
        (str(line), *(both["de_b"][name] for name in ("instruction", "input", "output")))
        for line, both in enumerate(data.german)
    )
    parts = feingold(data, rows, items, encoder)
    return (
        f"## German tasks without a special kind: {len(items):,} items, {rows.height:,} rows\n\n"
        "An item is one translation of a task, its row the other one. Few have numbers. The "
        "encoder is an English one. `Alpaca rows` are rows of other tasks.\n\n"
        "| method | recall | precision | wrong item | Alpaca rows | CPU s | rows/s |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        + "\n".join(_line(part.name, part, truth, truth) for part in parts)
    )


def report_copies(data: Data, _: SentenceEncoder) -> str:
    """Items copied into the answers of other rows, with some of their words replaced."""
    every = [item for items in data.items.values() for item in items]
    answers = data.alpaca["output"]
    lines = []
    for percent in NOISE:
        rows = plant(
            (f"p{number}", "Go on.", "", f"{answers[number]}\n\n{noisy(item.text, percent)}")
            for number, item in enumerate(every)
        )
        old = gpt3(rows, every)
        new = _method("", find_verbatim(rows, every).hits, 1, rows)
        texts = [item.text for item in every]
        cells = [
            share(
                sum(
                    any(texts[n] == texts[int(row[1:])] for n in found)
                    for row, found in method.links.items()
                ),
                len(every),
            )
            for method in (old, new)
        ]
        lines.append(f"| {percent} % | {' | '.join(cells)} |")
    return (
        f"## {len(every):,} items copied behind the answers of other rows\n\n"
        "Recall, with a share of the words replaced.\n\n"
        "| replaced | one word 13-gram | n-grams and whole sentences |\n| --- | --- | --- |\n"
        + "\n".join(lines)
    )


def noisy(text: str, percent: int) -> str:
    """Replace some words of a text, chosen by hash."""
    words = re.split(r"(\s+)", text)
    return "".join(
        "thing"
        if hashlib.sha256(f"{place}{text}".encode()).digest()[2] * 100 < percent * 256
        and word.strip()
        else word
        for place, word in enumerate(words)
    )


if __name__ == "__main__":
    main()
