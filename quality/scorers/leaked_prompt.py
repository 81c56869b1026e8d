"""Pieces of a chat template or prompt that ended up in the data."""

import polars as pl

from quality.scorers.measure import measure

#: Strikethrough in HTML is `<s>` too: those two count only at the edges of a text.
_SPECIAL = (
    r"<\|[A-Za-z][A-Za-z0-9_]{1,40}\|>|(?:^|\s)\[/?INST\](?:\s|$)|<</?SYS>>|^\s*<s>|</s>\s*$"
    r"|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>|</?think>|</?tool_call>|<extra_id_\d+>"
    r"|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]|<(?:bot|human)>:"
    r"|<[|｜](?:User|Assistant|begin▁of▁sentence|end▁of▁sentence)[|｜]>"
)
#: Template headers at the start of a line, and what opens the usual prompts.
_HEADER = (
    r"(?im)^\s*###+\s*(?:instruction|response|input|human|assistant|user|system|anweisung|"
    r"antwort)\s*(?::|$)"
    r"|^\s*Below is an instruction that describes a task"
    r"|^\s*(?:system: *)?You are (?:a helpful|an AI|a helpful,? \w+) (?:AI )?(?:assistant|"
    r"language model)\b"
    r"|^\s*(?:USER|ASSISTANT|Human|Assistant|User|SYSTEM):\s[^\n]*\n+\s*(?:ASSISTANT|Assistant|AI):"
)
#: The label of the form in front of the answer.
_LABEL = r"(?i)^\s*(?:output|response|assistant|answer|completion|ausgabe|antwort)\s*:"
#: Tasks whose answer may name such tokens, show a dialogue or need a label.
_ASKED_FOR = (
    r"(?i)<\||\[/?INST|special token|chat template|prompt|token|dialog|conversation|transcript|"
    r"role-?play|chat|script|html|persona|act as|strikethrough|quiz|riddle|\boutput\b|"
    r"\bq(?:uestion)? ?(?:&|"
    r"and) ?a|"
    r"answers?\b|example|gespräch|rätsel|vorlage|antwort|ausgabe"
)


def find_leak(column: str) -> pl.Expr:
    """Return the template token, header or label in `column`, null where there is none."""
    words = pl.col(column).fill_null("")
    return pl.coalesce(
        words.str.extract(_SPECIAL, 0), words.str.extract(_HEADER, 0), words.str.extract(_LABEL, 0)
    )


def leaked_prompt(rows: pl.DataFrame) -> pl.Series:
    """Say whether a chat template or prompt form shows in the row.

    1.0: a special token such as <|im_start|> or [INST], or a header such as "### Response:". 0.5:
    the output only opens with a label such as "Output:".

    Args:
        rows: frame with `instruction`, `input` and `output`.

    Returns:
        Float64: 0.0, 0.5 or 1.0; null where one is found in the output and the task is about
        such text, or the output is code.

    Source:
        Template forms of Alpaca, Vicuna, ChatML, Llama 2/3, Gemma, DeepSeek, Mistral, T5,
        gpt-oss. No paper.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Add 1 and 1."] * 3, "input": [""] * 3,
        ...     "output": ["2<|im_end|>", "Output: 2", "2"]})
        >>> leaked_prompt(rows).to_list()
        [1.0, 0.5, 0.0]
    """
    task = pl.concat_str(["instruction", "input"], separator="\n", ignore_nulls=True)
    answer = pl.col("output").fill_null("")
    in_task = task.str.contains(_HEADER)
    whole = answer.str.contains(_SPECIAL) | answer.str.contains(_HEADER)
    asked = task.str.contains(_ASKED_FOR) | answer.str.contains("```")
    label = answer.str.contains(_LABEL)
    score = (
        pl.when(in_task).then(1.0)
        .when((whole | label) & asked).then(None)
        .when(whole).then(1.0).when(label).then(0.5).otherwise(0.0)
    )  # fmt: skip
    return measure(rows, "leaked_prompt", score)
