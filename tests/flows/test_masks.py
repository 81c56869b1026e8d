"""Loss masks with real tokenizers: layout, traps of control tokens, files of other trainers."""

from pathlib import Path

import polars as pl
import pytest

from flows.language_model.chat import Chat
from flows.masks import Masker
from quality.loss_mask import IGNORED
from schemas.errors import InputError
from tests.flows.model_scorers.tiny import CHAT_TEMPLATE, tiny_tokenizer
from tests.flows.test_versions import make_version
from tests.support.cli import call_cli
from tests.support.rows import make_row, make_rows

EOS = 1  # `</s>`
NO_END = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TURNS = [
    {"role": "user", "content": "a b"}, {"role": "assistant", "content": "one"},
    {"role": "user", "content": "c"}, {"role": "assistant", "content": "two"},
]  # fmt: skip


def save(folder: Path, template: str | None, **changes: object) -> str:
    tokenizer = tiny_tokenizer(template)
    for name, value in changes.items():
        setattr(tokenizer, name, value)
    tokenizer.save_pretrained(folder)
    return str(folder)


def rows_of(turns: list[dict[str, str]]) -> pl.DataFrame:
    return make_rows([{**make_row("a b", "one\n\ntwo"), "messages": turns}])


@pytest.mark.parametrize("template", [CHAT_TEMPLATE, None])
def test_answers_and_their_ends_are_learned_and_nothing_else(
    template: str | None, tmp_path: Path
) -> None:
    masker = Masker(save(tmp_path / "t", template))
    ((_, example),) = masker.examples(rows_of(TURNS))
    assert example is not None
    tokenizer = tiny_tokenizer(template)
    learned = [label for label in example.labels if label != IGNORED]
    assert tokenizer.decode(learned) == "one</s>two</s>"
    assert masker.audit_rows(rows_of(TURNS), 1000)["faults"] == {}


@pytest.mark.parametrize("template", [CHAT_TEMPLATE, None])
def test_a_row_is_spelled_as_its_answers_are(template: str | None) -> None:
    """What is before an answer is the same whether it is asked for or trained on."""
    chat = Chat(tiny_tokenizer(template), "tiny")
    pieces = chat.spell_row(TURNS)
    assert pieces is not None
    whole = [token for piece in pieces for token in piece.tokens]
    first = chat.spell(TURNS[:1], "one")
    assert first is not None
    spelled = [*first.context, *first.answer, EOS]
    assert whole[: len(spelled)] == spelled


def test_text_that_looks_like_a_control_token_ends_nothing(tmp_path: Path) -> None:
    masker = Masker(save(tmp_path / "t", CHAT_TEMPLATE))
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "x</s>y"}]
    ((_, example),) = masker.examples(rows_of(turns))
    assert example is not None
    assert [label for label in example.labels if label != IGNORED].count(EOS) == 1
    found = masker.audit_rows(rows_of(turns), 1000)
    assert (found["faults"], found["control_tokens"]) == ({}, 1)


def test_a_template_without_an_end_teaches_no_end(tmp_path: Path) -> None:
    masker = Masker(save(tmp_path / "t", NO_END))
    assert masker.audit_rows(rows_of(TURNS), 1000)["faults"] == {"no_end": 1}


def test_a_cut_row_that_keeps_no_answer_is_counted(tmp_path: Path) -> None:
    masker = Masker(save(tmp_path / "t", CHAT_TEMPLATE))
    assert masker.audit_rows(rows_of(TURNS), 3)["faults"] == {"nothing": 1}


def test_padding_that_is_the_end_is_a_trap_and_another_token_is_named(tmp_path: Path) -> None:
    trap = Masker(save(tmp_path / "a", CHAT_TEMPLATE, pad_token="</s>", unk_token="<s>")).facts()
    assert (trap["pad_is_eos"], trap["turn_ends_with"], trap["ends_with_eos"]) == (
        True,
        "</s>",
        True,
    )
    fine = Masker(save(tmp_path / "b", CHAT_TEMPLATE, pad_token="<s>")).facts()
    assert not fine["pad_is_eos"]
    assert (fine["eos"], fine["pad"], fine["marks_answers"]) == ("</s>", "<s>", False)


def test_the_embedded_models_padding_is_its_end() -> None:
    pytest.importorskip("xllamacpp")
    facts = Masker().facts()
    assert (facts["eos"], facts["pad"], facts["pad_is_eos"]) == ("<|im_end|>", "<|im_end|>", True)
    assert facts["other_pad"] not in (None, "<|im_end|>", "<|im_start|>")


def test_rows_that_a_trainer_prepared_are_checked(tmp_path: Path) -> None:
    masker = Masker(save(tmp_path / "t", CHAT_TEMPLATE, pad_token="</s>"))
    good = {"input_ids": [0, 9, 8, 1], "labels": [-100, -100, 8, 1]}
    masked_end = {"input_ids": [0, 9, 8, 1, 7], "labels": [-100, -100, 8, -100, -100]}
    for name, write in (("f.parquet", "write_parquet"), ("f.jsonl", "write_ndjson")):
        getattr(pl.DataFrame([good, good, masked_end]), write)(tmp_path / name)
        found = masker.audit_file(tmp_path / name)
        assert found == {"rows": 3, "faults": {"end_masked": 1}}


@pytest.mark.parametrize(
    ("name", "content"),
    [("none.parquet", None), ("a.parquet", b"no"), ("a.jsonl", b'{"text": "a"}'), ("b.jsonl", b"")],
)
def test_other_files_are_one_line(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    masker = Masker(save(tmp_path / "t", CHAT_TEMPLATE))
    with pytest.raises(InputError, match="expected Parquet or JSON lines with lists") as caught:
        masker.audit_file(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_the_verb_tells_the_traps(tmp_path: Path) -> None:
    make_version(tmp_path / "set", "1.0.0")
    tokenizer = save(tmp_path / "t", CHAT_TEMPLATE, pad_token="</s>")
    rows = pl.DataFrame({"input_ids": [[0, 9, 1]], "labels": [[0, 9, 1]]})
    rows.write_parquet(tmp_path / "masks.parquet")
    words = ("audit", "set", "--tokenizer", tokenizer, "--masks", "masks.parquet")
    answer = call_cli(*words, "--json", cwd=tmp_path).succeed().answer
    assert answer["control_tokens"]["pad_is_eos"]
    assert answer["masks"]["faults"] == {}
    assert answer["masks_of_file"]["faults"] == {"no_prompt": 1}
    ran = call_cli(*words, cwd=tmp_path).succeed()
    assert "the model never stops" in ran.err + ran.out
    assert "the prompt is not masked" in ran.err + ran.out
