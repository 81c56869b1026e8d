"""Published settings of fine-tuning methods, each with its source, in the words of peft.

They are facts of the papers and of the code beside them; what they are right for is the data that
they were published with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

_CODE: Final = "Alpaca-LoRA, default of finetune.py"
_OFFICIAL: Final = "Alpaca-LoRA, official adapter"
_QLORA: Final = "QLoRA, finetune_guanaco_7b.sh"
_ADAPTER: Final = "LLaMA-Adapter, finetuning.sh"


class Setting(NamedTuple):
    """A value and where it is from."""

    value: bool | int | float | str | list[str]
    source: str


@dataclass(frozen=True, slots=True)
class Method:
    """One way to fine-tune.

    Attributes:
        name: key of `METHODS`.
        line: what it is.
        length: tokens after which a row is cut.
        peft: fields of the peft configuration.
        training: fields of transformers' TrainingArguments.
        bits: weights are loaded in so many bits; null: as they are.
    """

    name: str
    line: str
    length: Setting
    peft: Mapping[str, Setting]
    training: Mapping[str, Setting]
    bits: Setting | None = None


_LORA_TRAINING: Final = {
    "per_device_train_batch_size": Setting(4, f"{_CODE} (micro_batch_size)"),
    "gradient_accumulation_steps": Setting(32, f"{_CODE}: 128 rows a step"),
    "learning_rate": Setting(0.0003, _CODE),
    "lr_scheduler_type": Setting("linear", f"{_CODE}: the Trainer's own"),
    "warmup_steps": Setting(100, _CODE),
    "optim": Setting("adamw_torch", _CODE),
}
_CAUSAL: Final = Setting("CAUSAL_LM", "decoder-only models")

METHODS: Final[Mapping[str, Method]] = {
    method.name: method
    for method in (
        Method(
            "lora",
            "LoRA as the official Alpaca-LoRA adapter was trained",
            Setting(512, f"{_OFFICIAL}; the code's default is 256"),
            {
                "peft_type": Setting("LORA", "Hu et al. 2021, arXiv 2106.09685"),
                "task_type": _CAUSAL,
                "r": Setting(16, f"{_OFFICIAL}; the code's default is 8"),
                "lora_alpha": Setting(16, _CODE),
                "lora_dropout": Setting(0.05, _CODE),
                "target_modules": Setting(
                    ["q_proj", "k_proj", "v_proj", "o_proj"],
                    f"{_OFFICIAL}; the code's default is q_proj, v_proj",
                ),
                "bias": Setting("none", _CODE),
            },
            {
                "num_train_epochs": Setting(10, f"{_OFFICIAL}; the code's default is 3"),
                **_LORA_TRAINING,
            },
        ),
        Method(
            "lora-defaults",
            "LoRA with the defaults of Alpaca-LoRA's code",
            Setting(256, _CODE),
            {
                "peft_type": Setting("LORA", "Hu et al. 2021, arXiv 2106.09685"),
                "task_type": _CAUSAL,
                "r": Setting(8, _CODE),
                "lora_alpha": Setting(16, _CODE),
                "lora_dropout": Setting(0.05, _CODE),
                "target_modules": Setting(["q_proj", "v_proj"], _CODE),
                "bias": Setting("none", _CODE),
            },
            {"num_train_epochs": Setting(3, _CODE), **_LORA_TRAINING},
        ),
        Method(
            "qlora",
            "QLoRA as Guanaco 7B was trained",
            Setting(528, f"{_QLORA}: 16 of the prompt and 512 of the answer"),
            {
                "peft_type": Setting("LORA", "Dettmers et al. 2023, arXiv 2305.14314"),
                "task_type": _CAUSAL,
                "r": Setting(64, _QLORA),
                "lora_alpha": Setting(16, _QLORA),
                "lora_dropout": Setting(0.1, f"{_QLORA}; 0.05 from 33B on"),
                "target_modules": Setting("all-linear", "QLoRA: all linear layers"),
                "bias": Setting("none", "QLoRA, qlora.py"),
            },
            {
                "num_train_epochs": Setting(
                    3, f"{_QLORA}: 1,875 steps of 16 rows, about 3 passes over OASST1's 9K"
                ),
                "per_device_train_batch_size": Setting(4, _QLORA),
                "gradient_accumulation_steps": Setting(4, f"{_QLORA}: 16 rows a step"),
                "learning_rate": Setting(0.0002, f"{_QLORA}; 0.0001 from 33B on"),
                "lr_scheduler_type": Setting("constant", _QLORA),
                "optim": Setting("paged_adamw_32bit", "QLoRA, qlora.py"),
                "adam_beta2": Setting(0.999, _QLORA),
                "max_grad_norm": Setting(0.3, _QLORA),
                "weight_decay": Setting(0.0, _QLORA),
            },
            bits=Setting(4, f"{_QLORA}: nf4, double quantization, computed in bfloat16"),
        ),
        Method(
            "llama-adapter",
            "LLaMA-Adapter as it was trained on Alpaca's 52K rows",
            Setting(512, _ADAPTER),
            {
                "peft_type": Setting("ADAPTION_PROMPT", "Zhang et al. 2023, arXiv 2303.16199"),
                "task_type": _CAUSAL,
                "adapter_len": Setting(10, _ADAPTER),
                "adapter_layers": Setting(30, f"{_ADAPTER}: the top 30 of LLaMA 7B's 32"),
            },
            {
                "num_train_epochs": Setting(5, _ADAPTER),
                "per_device_train_batch_size": Setting(4, _ADAPTER),
                "gradient_accumulation_steps": Setting(8, f"{_ADAPTER}: 8 GPUs, 32 rows a step"),
                "learning_rate": Setting(0.001125, f"{_ADAPTER}: base rate 9e-3 x 32 / 256"),
                "lr_scheduler_type": Setting("cosine", "LLaMA-Adapter, half a cosine"),
                "warmup_steps": Setting(0.4, f"{_ADAPTER}: 2 of 5 epochs, as a share of the steps"),
                "optim": Setting("adamw_torch", "LLaMA-Adapter, finetuning.py"),
                "adam_beta2": Setting(0.95, "LLaMA-Adapter, finetuning.py"),
                "weight_decay": Setting(0.02, _ADAPTER),
            },
        ),
    )
}
