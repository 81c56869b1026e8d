"""A teacher that can quote and rate: one recipe from documents to a published version."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.support.cli import run_cli
from tests.support.fake_teacher import FakeTeacher
from tests.support.recipes import write_jsonl, write_recipe

TOWNS = ("Arnau", "Bremsal", "Cortin", "Dovell")
#: Document to the sentence that answers, and to the quote that the teacher gives for it.
FACTS = {
    town: f"The town of {town} built its stone bridge in {1700 + 11 * place} over a wide river."
    for place, town in enumerate(TOWNS)
}
FALSE = "Dovell"
ANSWERS = ("Boil it and wait.", "Heat slowly, stir often, and taste before you serve it.", "No.")
WORTH = dict(zip(ANSWERS, (3, 5, 1), strict=True))


class AbleTeacher(FakeTeacher):
    """Answers what it is asked, as a good model would; it misquotes one document."""

    def begin(self, path: str, body: dict[str, Any], authorization: str) -> tuple[str | None, Any]:
        fault, reply = super().begin(path, body, authorization)
        reply["choices"][0]["message"]["content"] = say(body)
        reply["choices"][0]["finish_reason"] = "stop"
        return fault, reply


def say(body: Mapping[str, Any]) -> str:
    prompt = "\n".join(turn["content"] for turn in body["messages"])
    town = next((name for name in TOWNS if name in prompt), "")
    if "exactly 1 questions" in prompt:
        quote = FACTS[town].replace("built", "never built") if town == FALSE else FACTS[town]
        item = {
            "question": f"When did the town of {town} build its stone bridge?",
            "answer": FACTS[town],
            "quotes": [quote],
        }
        return json.dumps({"items": [item]})
    shown = re.findall(r"^[0-9a-f]{16} ANSWER \d\n(.*)$", prompt, re.MULTILINE)
    if "The aspect is" in prompt:
        scores = {f"answer {n}": WORTH[text] for n, text in enumerate(shown, 1)}
        return json.dumps({"reasons": "They differ in care.", "scores": scores})
    if '"better"' in prompt:
        better = "first" if WORTH[shown[0]] > WORTH[shown[1]] else "second"
        return json.dumps({"reasons": "One is more use.", "better": better})
    return ANSWERS[(0.1, 0.5, 0.9).index(body["temperature"])]


@pytest.mark.slow
def test_rows_of_documents_and_pairs_are_published(prefect_api: str, tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for town, fact in FACTS.items():
        text = f"# {town}\n\n{fact} Every spring the children of the place paint its railing blue."
        (documents / f"{town.lower()}.md").write_text(text)
    (documents / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    write_jsonl(tmp_path / "p.jsonl", [{"prompt": "How do I cook a thick soup from beans?"}])
    with AbleTeacher() as teacher:
        recipe = write_recipe(
            tmp_path / "r.yaml",
            teacher=teacher.options(license="MIT"),
            generators=[
                {
                    "kind": "grounded",
                    "documents": "documents/*",
                    "license": "CC0-1.0",
                    "per_chunk": 1,
                },
                {
                    "kind": "preference",
                    "prompts": "p.jsonl",
                    "license": "CC0-1.0",
                    "answers_per_task": 3,
                    "temperatures": [0.1, 0.5, 0.9],
                    "styles": ["plain"],
                },
            ],
            filters=[{"rule": "empty_output"}],
            dedup=None,
        )
        ran = run_cli("run", recipe, "--json", cwd=tmp_path).succeed()
    answer = ran.answer
    assert answer["by_rule"] == {
        "quote_not_found": 1,
        "damaged_document": 1,
        "not_best_answer": 1,
    }
    assert answer["rows_in"] == answer["kept"] + answer["dropped"] + answer["quarantined"]
    version = tmp_path / answer["path"]
    rows = pl.read_parquet(version / "data" / "default" / "*.parquet")
    assert sorted(rows["source"]) == ["grounded"] * 3 + ["preference"]
    for row in rows.filter(source="grounded").iter_rows(named=True):
        about = json.loads(row["about"])
        (quote,) = about["quotes"]
        text = (documents / Path(about["document"]).name).read_text()
        assert quote["text"] in FACTS.values()
        assert text[quote["start"] : quote["end"]] == quote["text"].rstrip(".")
    pair = rows.filter(source="preference").row(0, named=True)
    assert (pair["output"], pair["rejected"]) == (ANSWERS[1], ANSWERS[2])
    assert (version / "data" / "preference").is_dir()
