"""Trainer configurations: published values, documented field names, rows without losses."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.trainers.forms import TRAINERS
from flows.trainers.methods import METHODS
from flows.trainers.writing import Plan, find_method, write_trainer
from quality.loss_mask import IGNORED
from schemas.errors import InputError
from tests.flows.model_scorers.tiny import CHAT_TEMPLATE, tiny_tokenizer
from tests.flows.test_versions import make_version
from tests.support.cli import call_cli
from tests.support.rows import make_row, make_rows

#: As documented in axolotl's schemas (utils/schemas: config, peft, training, datasets).
AXOLOTL = {
    "base_model", "adapter", "load_in_4bit", "lora_r", "lora_alpha", "lora_dropout",
    "lora_target_modules", "lora_target_linear", "datasets", "train_on_inputs", "sequence_len",
    "num_epochs", "micro_batch_size", "gradient_accumulation_steps", "learning_rate",
    "lr_scheduler", "warmup_steps", "optimizer", "adam_beta2", "max_grad_norm", "weight_decay",
    "val_set_size", "bf16", "seed", "output_dir", "special_tokens",
}  # fmt: skip
#: As documented in LLaMA-Factory's hparams, and transformers' TrainingArguments beneath them.
FACTORY = {
    "model_name_or_path", "stage", "do_train", "finetuning_type", "lora_rank", "lora_alpha",
    "lora_dropout", "lora_target", "quantization_bit", "dataset", "dataset_dir", "template",
    "cutoff_len", "train_on_prompt", "num_train_epochs", "per_device_train_batch_size",
    "gradient_accumulation_steps", "learning_rate", "lr_scheduler_type", "warmup_steps", "optim",
    "adam_beta2", "max_grad_norm", "weight_decay", "bf16", "seed", "output_dir",
}  # fmt: skip
ONE = make_row("Name a cat.", "Tom.")
TURNS = [
    {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "Bye"}, {"role": "assistant", "content": "See you"},
]  # fmt: skip
TWO = {**make_row("Hi", "Hello\n\nSee you"), "messages": TURNS}
LORA = [name for name, method in METHODS.items() if method.peft["peft_type"].value == "LORA"]


@pytest.fixture
def model(tmp_path: Path) -> str:
    tokenizer = tiny_tokenizer(CHAT_TEMPLATE)
    tokenizer.pad_token = "</s>"
    tokenizer.add_special_tokens({"unk_token": "<unk>"})
    tokenizer.save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


def write(rows: list[dict[str, Any]], method: str, trainer: str, out: Path, **more: Any) -> Any:
    plan = Plan(METHODS[method], trainer, more.pop("model", "some/model"), **more)
    return write_trainer(make_rows(rows), plan, title="set 1.0.0", out=out)


def read(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("method", LORA)
def test_axolotl_gets_fields_that_it_knows(method: str, tmp_path: Path) -> None:
    done = write([ONE], method, "axolotl", tmp_path)
    found = read(tmp_path / "axolotl.yaml")
    assert set(found) <= AXOLOTL
    assert done.files == ["axolotl.yaml", "train.json"]
    assert found["datasets"] == [{"path": "train.json", "ds_type": "json", "type": "alpaca"}]
    assert found["train_on_inputs"] is False
    assert json.loads((tmp_path / "train.json").read_text()) == [
        {"instruction": "Name a cat.", "input": "", "output": "Tom."}
    ]


@pytest.mark.parametrize("method", LORA)
def test_llama_factory_gets_fields_and_a_dataset_entry(method: str, tmp_path: Path) -> None:
    write([ONE], method, "llamafactory", tmp_path)
    found = read(tmp_path / "llamafactory.yaml")
    assert set(found) <= FACTORY
    info = json.loads((tmp_path / "dataset_info.json").read_text())
    assert info[found["dataset"]]["file_name"] == "train.json"
    assert found["train_on_prompt"] is False


def test_the_published_values(tmp_path: Path) -> None:
    write([ONE], "lora", "axolotl", tmp_path)
    official = read(tmp_path / "axolotl.yaml")
    assert (official["lora_r"], official["lora_alpha"], official["lora_dropout"]) == (16, 16, 0.05)
    assert official["lora_target_modules"] == ["q_proj", "k_proj", "v_proj", "o_proj"]
    assert (official["num_epochs"], official["sequence_len"]) == (10, 512)
    assert official["micro_batch_size"] * official["gradient_accumulation_steps"] == 128
    assert official["learning_rate"] == 3e-4
    write([ONE], "lora-defaults", "llamafactory", tmp_path)
    defaults = read(tmp_path / "llamafactory.yaml")
    assert (defaults["lora_rank"], defaults["lora_target"]) == (8, "q_proj,v_proj")
    assert (defaults["num_train_epochs"], defaults["cutoff_len"]) == (3, 256)
    write([ONE], "qlora", "llamafactory", tmp_path)
    qlora = read(tmp_path / "llamafactory.yaml")
    assert (qlora["lora_rank"], qlora["lora_target"], qlora["quantization_bit"]) == (64, "all", 4)
    assert (qlora["learning_rate"], qlora["max_grad_norm"]) == (2e-4, 0.3)
    write([ONE], "qlora", "axolotl", tmp_path)
    found = read(tmp_path / "axolotl.yaml")
    assert (found["adapter"], found["load_in_4bit"], found["lora_target_linear"]) == (
        "qlora",
        True,
        True,
    )
    assert "lora_target_modules" not in found


@pytest.mark.parametrize("name", list(METHODS))
def test_every_value_names_its_source_and_makes_a_peft_configuration(
    name: str, model: str, tmp_path: Path
) -> None:
    peft = pytest.importorskip("peft")
    write([ONE], name, "peft", tmp_path / "t", model=model)
    text = (tmp_path / "t" / "settings.yaml").read_text(encoding="utf-8")
    valued = [line for line in text.splitlines() if not line.startswith("#")]
    assert all("  # " in line for line in valued if not line.endswith(":"))
    settings = read(tmp_path / "t" / "settings.yaml")
    config = peft.get_peft_config(dict(settings["peft"]))
    if name == "llama-adapter":
        assert isinstance(config, peft.AdaptionPromptConfig)
        assert (config.adapter_len, config.adapter_layers) == (10, 30)
        assert settings["training"]["learning_rate"] == 9e-3 * 32 / 256
    else:
        assert isinstance(config, peft.LoraConfig)


def test_rows_of_several_turns_go_out_as_messages(tmp_path: Path) -> None:
    done = write([ONE, TWO], "lora", "axolotl", tmp_path)
    assert (done.form, done.rows, done.left_out) == ("messages", 2, {})
    found = read(tmp_path / "axolotl.yaml")["datasets"]
    assert found[0]["type"] == "chat_template"
    assert found[0]["field_messages"] == "messages"
    write([ONE, TWO], "lora", "llamafactory", tmp_path)
    info = json.loads((tmp_path / "dataset_info.json").read_text())["feingold"]
    assert info["formatting"] == "sharegpt"
    assert info["tags"]["user_tag"] == "user"


def test_peft_gets_tokens_and_labels_that_hold_under_audit(model: str, tmp_path: Path) -> None:
    done = write([ONE, TWO], "lora", "peft", tmp_path / "t", model=model)
    assert done.files == ["settings.yaml", "train.jsonl", "train.py"]
    lines = (tmp_path / "t" / "train.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    learned = [
        tiny_tokenizer().decode([label for label in row["labels"] if label != IGNORED])
        for row in rows
    ]
    assert sorted(learned) == ["Hello</s>See you</s>", "Tom.</s>"]
    make_version(tmp_path / "set", "1.0.0")
    words = ("audit", "set", "--tokenizer", model, "--masks", "t/train.jsonl", "--json")
    found = call_cli(*words, cwd=tmp_path).succeed().answer["masks_of_file"]
    assert found == {"rows": 2, "faults": {}}


def test_rows_whose_answer_is_cut_off_are_left_out_and_counted(model: str, tmp_path: Path) -> None:
    done = write([ONE, make_row("x" * 600, "y")], "lora", "peft", tmp_path / "t", model=model)
    assert (done.rows, done.left_out) == (1, {"answer_cut_off": 1})
    with pytest.raises(InputError, match="expected rows to train on, got none of 1"):
        write([make_row("x" * 600, "y")], "lora", "peft", tmp_path / "u", model=model)


def test_what_a_trainer_should_hear(model: str, tmp_path: Path) -> None:
    done = write([ONE], "lora", "axolotl", tmp_path / "t", tokenizer=model)
    assert done.steps == 10
    warmup, padding = done.warnings
    assert "the learning rate never reaches its value" in warmup
    assert padding == "the model's padding '</s>' ends answers, too: pad with '<unk>'"
    assert read(tmp_path / "t" / "axolotl.yaml")["special_tokens"] == {"pad_token": "<unk>"}
    assert write([ONE], "qlora", "axolotl", tmp_path / "t").warnings == []


@pytest.mark.parametrize("trainer", ["axolotl", "llamafactory"])
def test_trainers_without_adaption_prompts_say_so(trainer: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="take --for peft") as caught:
        write([ONE], "llama-adapter", trainer, tmp_path / "t")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "t").exists()


def test_a_model_name_cannot_break_out_of_a_configuration(tmp_path: Path) -> None:
    name = 'a"\nseed: 7 # \\ :'
    for trainer in set(TRAINERS) - {"peft"}:
        write([ONE], "lora", trainer, tmp_path, model=name)
        found = read(tmp_path / f"{trainer}.yaml")
        assert name in found.values()
        assert found["seed"] == 0


def test_the_verb(tmp_path: Path) -> None:
    make_version(tmp_path / "set", "1.0.0")
    words = ("trainer", "set", "--method", "lora", "--for", "axolotl", "--model", "m", "--out", "t")
    answer = call_cli(*words, "--json", cwd=tmp_path).succeed().answer
    assert (answer["version"], answer["rows"], answer["form"]) == ("1.0.0", 1, "alpaca")
    assert answer["settings"]["r"] == {
        "value": 16,
        "source": "Alpaca-LoRA, official adapter; the code's default is 8",
    }
    assert "for axolotl, lora: 1 rows as alpaca" in call_cli(*words, cwd=tmp_path).succeed().err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--method", "sft", "--model", "m"), "expected one of lora, lora-defaults, qlora"),
        (("--method", "lora", "--model", "nowhere"), "expected a tokenizer, got 'nowhere'"),
    ],
)
def test_wrong_words_are_one_line(words: tuple[str, ...], line: str, tmp_path: Path) -> None:
    make_version(tmp_path / "set", "1.0.0")
    ran = call_cli("trainer", "set", *words, "--out", "t", cwd=tmp_path)
    assert ran.code == 2
    assert ran.error_line.startswith(line)


def test_unknown_methods_are_named() -> None:
    with pytest.raises(InputError, match="got 'full' for --method"):
        find_method("full")
