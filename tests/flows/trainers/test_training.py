"""Adapters trained for real on a tiny random LLaMA, on labels that feingold made."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.masks import Masker
from flows.trainers.methods import METHODS
from flows.trainers.writing import Plan, write_trainer
from quality.loss_mask import IGNORED, pad_examples
from tests.flows.model_scorers.tiny import CHAT_TEMPLATE, tiny_network, tiny_tokenizer
from tests.support.rows import make_row, make_rows

pytest.importorskip("peft")
pytestmark = pytest.mark.slow

ROWS = make_rows([make_row("Name a cat.", "Tom."), make_row("Add 1 and 2.", "3, of course.")])
STEPS = 25


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tiny")
    tiny_tokenizer(CHAT_TEMPLATE).save_pretrained(folder)
    tiny_network().save_pretrained(folder)
    return str(folder)


@pytest.fixture
def batch(model_folder: str) -> dict[str, Any]:
    import torch

    examples = [found for _, found in Masker(model_folder).examples(ROWS) if found is not None]
    padded, attention = pad_examples(examples, pad=1)
    return {
        "input_ids": torch.tensor([row.input_ids for row in padded]),
        "labels": torch.tensor([row.labels for row in padded]),
        "attention_mask": torch.tensor(attention),
    }


def adapted(method: str, model_folder: str) -> Any:
    """The tiny model with the published adapter in it, as the script makes it."""
    import torch

    from flows.trainers.peft_script import load_model

    torch.manual_seed(0)
    peft = {name: setting.value for name, setting in METHODS[method].peft.items()}
    return load_model({"model": model_folder, "peft": peft})


def is_adapter(name: str) -> bool:
    return "lora_" in name or "adaption_" in name


@pytest.mark.parametrize("method", ["lora", "lora-defaults", "llama-adapter"])
def test_loss_falls_and_only_the_adapter_changes(
    method: str, model_folder: str, batch: dict[str, Any]
) -> None:
    import torch

    model = adapted(method, model_folder)
    before = {name: weights.detach().clone() for name, weights in model.named_parameters()}
    trained = [weights for weights in model.parameters() if weights.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=3e-2)
    model.train()
    losses = []
    for _ in range(STEPS):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    changed = {
        name for name, weights in model.named_parameters() if not torch.equal(before[name], weights)
    }
    assert changed
    assert all(map(is_adapter, changed))
    assert {name for name, one in model.named_parameters() if one.requires_grad} >= changed


@pytest.mark.parametrize("method", ["lora", "llama-adapter"])
def test_an_untrained_adapter_changes_nothing(
    method: str, model_folder: str, batch: dict[str, Any]
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(model_folder).eval()
    model = adapted(method, model_folder).eval()
    asked = {name: batch[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        assert torch.equal(model(**asked).logits, plain(**asked).logits)


def test_the_gates_start_at_zero_in_every_layer(model_folder: str) -> None:
    model = adapted("llama-adapter", model_folder)
    gates = [one for name, one in model.named_parameters() if "adaption_gate" in name]
    prompts = [one for name, one in model.named_parameters() if "adaption_prompt" in name]
    assert [float(gate.abs().sum()) for gate in gates] == [0.0, 0.0]
    assert [tuple(prompt.shape) for prompt in prompts] == [(1, 10, 32), (1, 10, 32)]


@pytest.mark.parametrize("method", ["lora", "llama-adapter"])
def test_gradients_come_from_learned_positions_only(
    method: str, model_folder: str, batch: dict[str, Any]
) -> None:
    """The gradient of each logit is zero where the next token is masked, and not zero elsewhere."""
    import torch

    model = adapted(method, model_folder)
    answer = model(**batch)
    (gradient,) = torch.autograd.grad(answer.loss, answer.logits)
    flows = gradient.abs().sum(-1)[:, :-1] > 0
    assert torch.equal(flows, batch["labels"][:, 1:] != IGNORED)
    assert int(flows.sum()) == sum(map(len, ("Tom.", "3, of course."))) + 2  # and both ends


@pytest.mark.parametrize("method", ["lora", "llama-adapter"])
def test_the_script_trains_and_saves_an_adapter(
    method: str, model_folder: str, tmp_path: Path
) -> None:
    plan = Plan(METHODS[method], "peft", model_folder)
    write_trainer(ROWS, plan, title="set 1.0.0", out=tmp_path / "t")
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "t" / "train.py"), "--steps", "2"],
        capture_output=True,
        text=True,
        cwd=tmp_path,  # nothing of feingold is on its path
        env={**os.environ, "PYTHONPATH": "", "CUDA_VISIBLE_DEVICES": ""},
        timeout=200,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "trainable params" in ran.stdout
    saved = json.loads((tmp_path / "t" / "adapter" / "adapter_config.json").read_text())
    settings = yaml.safe_load((tmp_path / "t" / "settings.yaml").read_text())
    assert saved["peft_type"] == settings["peft"]["peft_type"]
    assert (tmp_path / "t" / "adapter" / "adapter_model.safetensors").is_file()
