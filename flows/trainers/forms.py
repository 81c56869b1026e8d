"""The files of each trainer: which data it reads, and its configuration as text."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flows.trainers.methods import Method, Setting
from schemas.errors import InputError

SCRIPT: Final = Path(__file__).parent / "peft_script.py"
_OURS: Final = "feingold: only answers and their ends are learned"


@dataclass(frozen=True, slots=True)
class Job:
    """What a configuration is written for.

    Attributes:
        method: how it is trained.
        model: directory or Hub name of the model that is trained.
        form: of the data file: `alpaca`, `messages`, or `tokens` (token numbers and labels).
        data: name of the data file.
        title: dataset and version.
        pad: token to pad with where the model's own would mask ends; null: its own.
        seed: of the training.
    """

    method: Method
    model: str
    form: str
    data: str
    title: str
    pad: str | None = None
    seed: int = 0


def render_peft(job: Job) -> dict[str, str]:
    """Return `settings.yaml` and the script that reads it."""
    method = job.method
    lines = [
        *_head(job, "python train.py (needs torch, transformers, peft and accelerate)"),
        _line("model", Setting(job.model, "as you named it")),
        _line("data", Setting(job.data, "token numbers and labels, masked by feingold")),
        _line("seed", Setting(job.seed, "feingold")),
    ]
    if job.pad is not None:
        lines.append(_line("pad_token", Setting(job.pad, "the model's own would mask ends")))
    if method.bits is not None:
        lines.append(_line("bits", method.bits))
    lines += ["peft:", *(f"  {_line(*item)}" for item in method.peft.items())]
    lines += ["training:", *(f"  {_line(*item)}" for item in method.training.items())]
    return {"settings.yaml": _text(lines), "train.py": SCRIPT.read_text(encoding="utf-8")}


def render_axolotl(job: Job) -> dict[str, str]:
    """Return `axolotl.yaml`.

    Raises:
        InputError: for a method that Axolotl has no documented fields for.
    """
    method = job.method
    if method.peft["peft_type"].value != "LORA":
        msg = (
            f"expected a LoRA method for Axolotl, got {method.name!r}: its configuration has no "
            "fields for adaption prompts; take --for peft"
        )
        raise InputError(msg)
    kind = "alpaca" if job.form == "alpaca" else "chat_template"
    lines = [
        *_head(job, "axolotl train axolotl.yaml, inside this directory"),
        _line("base_model", Setting(job.model, "as you named it")),
        _line("adapter", Setting("lora" if method.bits is None else "qlora", method.line)),
    ]
    if method.bits is not None:
        lines.append(_line("load_in_4bit", Setting(value=True, source=method.bits.source)))
    lines += _renamed(method.peft, _AXOLOTL_PEFT)
    targets = method.peft["target_modules"]
    if targets.value == "all-linear":
        lines.append(_line("lora_target_linear", Setting(value=True, source=targets.source)))
    else:
        lines.append(_line("lora_target_modules", targets))
    lines += [
        "datasets:",
        f"  - path: {json.dumps(job.data)}",
        "    ds_type: json",
        f"    type: {kind}",
        *([] if kind == "alpaca" else ["    field_messages: messages"]),
        _line("train_on_inputs", Setting(value=False, source=_OURS)),
        _line("sequence_len", method.length),
        *_renamed(method.training, _AXOLOTL_TRAINING),
        _line("val_set_size", Setting(0.0, "feingold: the version has splits of its own")),
        _line("bf16", Setting("auto", "Axolotl")),
        _line("seed", Setting(job.seed, "feingold")),
        _line("output_dir", Setting("adapter", "feingold")),
    ]
    if job.pad is not None:
        lines += ["special_tokens:", f"  {_line('pad_token', Setting(job.pad, 'not the end'))}"]
    return {"axolotl.yaml": _text(lines)}


def render_llamafactory(job: Job) -> dict[str, str]:
    """Return `llamafactory.yaml` and `dataset_info.json`.

    Raises:
        InputError: for a method that LLaMA-Factory does not have.
    """
    method = job.method
    if method.peft["peft_type"].value != "LORA":
        msg = (
            f"expected a LoRA method for LLaMA-Factory, got {method.name!r}: it has lora, oft, "
            "freeze and full; take --for peft"
        )
        raise InputError(msg)
    targets = method.peft["target_modules"]
    named = ",".join(targets.value) if isinstance(targets.value, list) else "all"
    template = "alpaca" if job.form == "alpaca" else "default"
    lines = [
        *_head(job, "llamafactory-cli train llamafactory.yaml, inside this directory"),
        _line("model_name_or_path", Setting(job.model, "as you named it")),
        _line("stage", Setting("sft", "LLaMA-Factory")),
        _line("do_train", Setting(value=True, source="LLaMA-Factory")),
        _line("finetuning_type", Setting("lora", method.line)),
        *_renamed(method.peft, _FACTORY_PEFT),
        _line("lora_target", Setting(named, targets.source)),
    ]
    if method.bits is not None:
        lines.append(_line("quantization_bit", method.bits))
    lines += [
        _line("dataset", Setting("feingold", "in dataset_info.json")),
        _line("dataset_dir", Setting(".", "feingold")),
        _line("template", Setting(template, "for a chat model: set the one it was trained with")),
        _line("cutoff_len", method.length),
        _line("train_on_prompt", Setting(value=False, source=_OURS)),
        *(_line(*item) for item in method.training.items()),
        _line("bf16", Setting(value=True, source="feingold; false on hardware without it")),
        _line("seed", Setting(job.seed, "feingold")),
        _line("output_dir", Setting("adapter", "feingold")),
    ]
    info = json.dumps({"feingold": {"file_name": job.data, **_FACTORY_DATA[job.form]}}, indent=1)
    return {"llamafactory.yaml": _text(lines), "dataset_info.json": f"{info}\n"}


_AXOLOTL_PEFT: Final = {"r": "lora_r", "lora_alpha": "lora_alpha", "lora_dropout": "lora_dropout"}
_AXOLOTL_TRAINING: Final = {
    "num_train_epochs": "num_epochs",
    "per_device_train_batch_size": "micro_batch_size",
    "gradient_accumulation_steps": "gradient_accumulation_steps",
    "learning_rate": "learning_rate",
    "lr_scheduler_type": "lr_scheduler",
    "warmup_steps": "warmup_steps",
    "optim": "optimizer",
    "adam_beta2": "adam_beta2",
    "max_grad_norm": "max_grad_norm",
    "weight_decay": "weight_decay",
}
_FACTORY_PEFT: Final = {
    "r": "lora_rank",
    "lora_alpha": "lora_alpha",
    "lora_dropout": "lora_dropout",
}
_FACTORY_DATA: Final[Mapping[str, Mapping[str, object]]] = {
    "alpaca": {"columns": {"prompt": "instruction", "query": "input", "response": "output"}},
    "messages": {
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    },
}


def _head(job: Job, command: str) -> list[str]:
    return [f"# {job.method.line}, on {job.title}.", f"# Run: {command}"]


def _renamed(settings: Mapping[str, Setting], names: Mapping[str, str]) -> list[str]:
    return [_line(names[name], value) for name, value in settings.items() if name in names]


def _line(name: str, setting: Setting) -> str:
    # JSON is YAML, and keeps a name that looks like a number or a flag a text.
    return f"{name}: {json.dumps(setting.value)}  # {setting.source}"


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


#: Trainer to what writes its files.
TRAINERS: Final[Mapping[str, Callable[[Job], dict[str, str]]]] = {
    "peft": render_peft,
    "axolotl": render_axolotl,
    "llamafactory": render_llamafactory,
}
