"""Trains an adapter by `settings.yaml`, which lies beside this file; needs nothing of feingold.

    python train.py [--steps N] [--out DIR]

The rows come as token numbers and labels: only answers and the tokens that end them have a label,
and padding is masked by its place, so that it may be any token.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from peft import get_peft_config, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments

HERE = Path(__file__).parent
IGNORED = -100


def load_model(settings: Mapping[str, Any]) -> Any:  # noqa: ANN401 - peft has no types
    """Load the model to train, with the adapter in it and all else frozen."""
    options: dict[str, Any] = {}
    if settings.get("bits") == 4:
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    model = AutoModelForCausalLM.from_pretrained(settings["model"], **options)
    if options:
        model = prepare_model_for_kbit_training(model)
    model.config.use_cache = False
    wanted = dict(settings["peft"])
    if "adapter_layers" in wanted:
        # A smaller model has fewer layers than the published setting names.
        wanted["adapter_layers"] = min(wanted["adapter_layers"], model.config.num_hidden_layers)
    return get_peft_model(model, get_peft_config(wanted))


def read_rows(path: Path) -> list[dict[str, list[int]]]:
    """Read token numbers and labels, a row a line."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [{name: row[name] for name in ("input_ids", "labels")} for row in rows]


def collate(rows: Sequence[Mapping[str, list[int]]]) -> dict[str, torch.Tensor]:
    """Fill up on the right; what is filled in is neither seen nor learned."""
    longest = max(len(row["input_ids"]) for row in rows)

    def filled(name: str, filler: int) -> torch.Tensor:
        return torch.tensor([row[name] + [filler] * (longest - len(row[name])) for row in rows])

    seen = [[1] * len(row["input_ids"]) + [0] * (longest - len(row["input_ids"])) for row in rows]
    return {
        "input_ids": filled("input_ids", 0),
        "labels": filled("labels", IGNORED),
        "attention_mask": torch.tensor(seen),
    }


def main() -> None:
    """Train, and save the adapter."""
    parser = argparse.ArgumentParser(description="Train an adapter by settings.yaml.")
    parser.add_argument("--steps", type=int, default=-1, help="stop after so many; all by default")
    parser.add_argument("--out", type=Path, default=HERE / "adapter")
    arguments = parser.parse_args()
    settings = yaml.safe_load((HERE / "settings.yaml").read_text(encoding="utf-8"))
    torch.manual_seed(settings["seed"])
    model = load_model(settings)
    model.print_trainable_parameters()
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(arguments.out),
            max_steps=arguments.steps,
            seed=settings["seed"],
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            remove_unused_columns=False,
            bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
            **settings["training"],
        ),
        train_dataset=read_rows(HERE / settings["data"]),
        data_collator=collate,
    )
    trainer.train()
    model.save_pretrained(str(arguments.out))


if __name__ == "__main__":
    main()
