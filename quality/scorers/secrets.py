"""Keys and tokens that open something."""

import polars as pl

from quality.scorers.conversation import said
from quality.scorers.measure import measure_where

SHAPES = (
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # AWS access key id
    r"|\bsk-(?:ant-|proj-|svcacct-|or-v1-)?[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic, OpenRouter
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{40,}\b"
    r"|\bhf_[A-Za-z0-9]{30,}\b"
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bxox[abposr]-[A-Za-z0-9-]{10,}"  # Slack
    r"|\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}\b"  # Stripe
    r"|\bAIza[0-9A-Za-z_-]{35}"  # Google
    r"|\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[A-Za-z0-9_-]{50,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"  # JSON Web Token
    r"|\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b"  # SendGrid
    r"|\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"  # Telegram bot
    r"|\bsq0(?:csp|atp)-[A-Za-z0-9_-]{22,}"  # Square
    r"|\bdop_v1_[0-9a-f]{64}\b"  # DigitalOcean
    r"|hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{20,}"
    r"|\bAccountKey=[A-Za-z0-9+/]{80,}={0,2}"  # Azure storage
    # A login in a link.
    r"|\b(?:https?|ftp|mongodb|mongodb\+srv|postgres|postgresql|mysql|redis|amqps?)://"
    r"[^\s/:@\"'<>]{1,64}:[^\s/:@\"'<>]{6,64}@[\w.-]+"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"
)
#: A fixed piece of every shape above, for a cheap first look.
_PIECES = [
    "AKIA", "ASIA", "sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "hf_", "glpat-",
    "xox", "k_live_", "k_test_", "AIza", "npm_", "pypi-", "eyJ", "SG.", ":AA", "sq0", "dop_v1_",
    "hooks.slack.com", "AccountKey=", "://", "PRIVATE KEY",
]  # fmt: skip
#: Stand-ins in documentation: a run of one character, or a word that says so.
_STAND_IN = (
    r"(?i)x{6,}|\*{3,}|0{8,}|1234567890123|example|your[_-]?|placeholder|dummy|redacted|"
    r"passw(?:or|d)|passwort|\bpass\b|hunter2|secret|changeme|localhost|127\.0\.0\.1|[<{$\[]"
)


def find_secrets(words: pl.Expr) -> pl.Expr:
    """Return the key-shaped strings of a text as List(String), stand-ins left out."""
    found = words.fill_null("").str.extract_all(SHAPES)
    return found.list.filter(~pl.element().str.contains(_STAND_IN))


def mask(secret: pl.Expr) -> pl.Expr:
    """Return the first four characters and the length of a secret, for evidence.

    Example:
        >>> pl.select(mask(pl.lit("hf_abcdefgh")))["literal"].to_list()
        ['hf_a… (11 characters)']
    """
    return pl.format("{}… ({} characters)", secret.str.slice(0, 4), secret.str.len_chars())


def secrets(rows: pl.DataFrame) -> pl.Series:
    """Count the API keys, tokens and private keys anywhere in the conversation.

    Args:
        rows: frame with `messages`, `system`, `instruction`, `input` and `output`.

    Returns:
        Float64, number of different strings in the shape of a secret, never null.

    Source:
        Rule shapes of gitleaks, https://github.com/gitleaks/gitleaks (MIT). Differs: only shapes
        with a fixed part, no entropy guess, so hashes and ids do not count.

    Example:
        >>> from schemas.frames import ROWS, empty_frame
        >>> rows = empty_frame(ROWS).clear(2).with_columns(
        ...     output=pl.Series(["AKIA" + "Q7RT" * 4, "sk-learn"]))
        >>> secrets(rows).to_list()
        [1.0, 0.0]
    """
    suspects = said().str.contains_any(_PIECES)
    found = find_secrets(said()).list.n_unique()
    return measure_where(rows, "secrets", suspects, found, otherwise=0.0)
