"""Local sentence encoders: texts to unit vectors, and the two-step search for look-alikes.

The full encoder reads one to two hundred short prompts a second on two cores. For more than a few
thousand rows a static encoder (one vector per token, averaged) forecasts what it would say, and
the full encoder reads those only that may have a look-alike.
"""

from flows.encoders.sentence import EMBEDDED_PACKAGE, Encoder, SentenceEncoder, embedded_model_path
from flows.encoders.static import StaticEncoder
from flows.encoders.two_step import ENCODE_ALL_ROWS, EncodedRows, semantic_candidates

__all__ = [
    "EMBEDDED_PACKAGE",
    "ENCODE_ALL_ROWS",
    "EncodedRows",
    "Encoder",
    "SentenceEncoder",
    "StaticEncoder",
    "embedded_model_path",
    "semantic_candidates",
]
