"""Words that only fill the answer."""

import polars as pl

from quality.scorers.measure import measure_where
from quality.words import is_code, normalise

#: The rest of a sentence. Its mark is left for the next one to begin after.
_END = r"[^.!?\n]{0,160}"
#: Praise for the question, and a yes before the deed.
_OPENERS = (
    r"(?:^\s*(?:(?:wow|oh|ah|hi there|hello)[,!] *)?(?:what an? |that['’]s an? |this is an? )?"
    r"(?:very |really )?(?:great|good|excellent|interesting|fantastic|wonderful) question\b"
    + _END
    + r"|^\s*(?:sure(?: thing)?|certainly|of course|absolutely|no problem|gladly|"
    r"happy to help|i['’]d be (?:happy|glad) to(?: help)?|thank you for (?:your|the) question|"
    r"thanks for asking|(?:sehr )?gute frage|natürlich|selbstverständlich|(?:sehr )?gerne?|klar|"
    r"na klar|aber gerne|(?:vielen )?danke? für (?:deine|ihre|die) frage)[^.!?\n]{0,40}[.!]\s)"
)
#: Offers and wishes that any answer could end with.
_CLOSINGS = (
    r"(?:i hope (?:that )?(?:this|it|these|my)\b[^.!?\n]{0,60}\b(?:help|useful|answer|clear)"
    r"|hope (?:this|that|it) helps|(?:please )?(?:do not|don['’]t) hesitate to"
    r"|(?:please )?feel free to (?:ask|contact|reach|let me)|(?:please )?let me know if\b"
    r"|if you (?:have|need) any (?:more |other |further |additional )?(?:questions?|help|"
    r"assistance|information)"
    r"|is there anything else (?:i|you|that)|i['’]?(?:a?m| am) (?:here|happy|glad|always) to help"
    r"|ich hoffe,? (?:dass )?(?:das|dies|diese|ich|meine)\b[^.!?\n]{0,60}\b(?:hilf|helfen|geholfen|"
    r"nützlich|hilfreich|weiter)"
    r"|(?:ich )?hoffe?,? das hilft|(?:lass|lassen sie) (?:es )?mich (?:gerne )?wissen\b"
    r"|(?:wenn|falls|sollten) (?:du|sie) (?:noch )?(?:weitere |noch )?fragen ha(?:st|ben)"
    r"|(?:bei|für) (?:weiteren |weitere )?(?:rück)?fragen (?:steh|kannst|können)"
    r"|zögern? (?:sie )?nicht|kann ich (?:(?:dir|ihnen) )?(?:sonst )?noch)" + _END
)
#: Warnings that say nothing about the case at hand. One may be due; the rest is padding.
_DISCLAIMERS = (
    r"(?:(?:please |kindly )?(?:note|keep in mind|bear in mind|remember) that\b"
    r"|it(?: is|['’]s) (?:also )?(?:important|worth|crucial|essential) (?:to )?"
    r"(?:not(?:e|ing)|remember|mention\w*|keep in mind|consult)"
    r"|(?:always |please )?(?:consult|seek advice from) (?:with )?(?:a|an|your) (?:qualified |"
    r"licensed |medical |healthcare |financial |legal )*(?:professional|doctor|lawyer|attorney|"
    r"advisor|expert)|as an ai\b|i am not a (?:doctor|lawyer|professional)"
    r"|(?:bitte )?(?:beachte|beachten sie|bedenke|bedenken sie),? dass\b"
    r"|es ist (?:auch )?wichtig,? (?:zu (?:beachten|erwähnen|betonen)|darauf hinzuweisen)"
    r"|als (?:ki|sprachmodell)\b)" + _END
)
_STARTS_SENTENCE = r"(?im)(?:^|[.!?\n]\s*)"
#: A shorter task may well return as the subject of the answer.
_MIN_RESTATED_WORDS = 4
_ALIKE_LETTERS = 12
_LAST_CHARACTERS = 300
#: Letters, talks and adverts are made of such phrases.
_ASKED_FOR = (
    r"(?i)e-?mail|letter|message|repl(?:y|ies)|respon[ds]|customer|dialog|conversation|script|chat|"
    r"speech|greeting|welcome|invitation|\bbio\b|memo|note|post\b|advert|announce|survey|review|"
    r"survey|translat|paraphras|rewrite|rephrase|edit|apolog|thank|interview|role-?play|template|"
    r"brief|nachricht|antworte|kunde|gespräch|rede|einladung|übersetz|umformulier|danke?|vorlage"
)
#: A piece of every phrase above, for a cheap first look.
_HINTS = [
    "question",
    "frage",
    "sure",
    "certainly",
    "of course",
    "absolutely",
    "no problem",
    "gladly",
    "happy",
    "glad to",
    "thank",
    "natürlich",
    "selbstverständlich",
    "gern",
    "klar",
    "dank",
    "hope",
    "hesitate",
    "feel free",
    "let me know",
    "anything else",
    "to help",
    "if you",
    "hoff",
    "wissen",
    "zögere",
    "zögern",
    "kann ich",
    "note that",
    "mind that",
    "remember that",
    "it is",
    "it's",
    "it’s",
    "consult",
    "advice",
    "as an ai",
    "i am not",
    "beacht",
    "bedenk",
    "wichtig",
    "als ki",
    "als sprachmodell",
]


def find_padding(column: str) -> pl.Expr:
    """Return the filling sentences of `column` as List(String): openers, closings, disclaimers.

    The first disclaimer is not among them.
    """
    words = pl.col(column).fill_null("")
    openers = words.str.extract_all("(?i)" + _OPENERS)
    closings = words.str.tail(_LAST_CHARACTERS).str.extract_all(_STARTS_SENTENCE + _CLOSINGS)
    warnings = words.str.extract_all(_STARTS_SENTENCE + _DISCLAIMERS).list.slice(1)
    return pl.concat_list(openers, closings, warnings)


def restates(column: str) -> pl.Expr:
    """Say whether `column` opens with the words of the instruction and goes on after them."""
    task = normalise(pl.col("instruction")).str.strip_chars_end("?!. ")
    answer = normalise(pl.col(column))
    long_enough = task.str.count_matches(" ") + 1 >= _MIN_RESTATED_WORDS
    # A program repeats its task in a comment.
    long_enough = long_enough & ~is_code(pl.col(column))
    return (
        long_enough & answer.str.starts_with(task) & (answer.str.len_chars() > task.str.len_chars())
    )


def _opens_alike(column: str) -> pl.Expr:
    """Say whether `column` and the instruction share their first letters; cheap."""
    first = [
        pl.col(name).fill_null("").str.slice(0, 60).str.to_lowercase()
        .str.replace_all(r"[^\p{L}\p{N}]+", "").str.slice(0, _ALIKE_LETTERS)
        for name in ("instruction", column)
    ]  # fmt: skip
    return (first[0] == first[1]) & (first[0] != "")


def padding(rows: pl.DataFrame) -> pl.Series:
    """Measure the share of the output that says nothing about the task.

    Counted are praise of the question, offers to help further, the second and later general
    disclaimers, and the instruction itself where the output repeats it before answering.

    Args:
        rows: frame with `instruction`, `input` and `output`.

    Returns:
        Float64 in 0..1, by characters; 0.0 for an empty output; null where such phrases are found
        and the task is a letter, a talk or another text that is made of them.

    Source:
        The verbosity that judges reward, Zheng et al. 2023, https://arxiv.org/abs/2306.05685, and
        Saito et al. 2023, https://arxiv.org/abs/2310.10076. Differs: fixed phrases in English and
        German, no model.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Name a bird."] * 2, "input": "",
        ...     "output": ["Owl. I hope this helps!", "Owl."]})
        >>> padding(rows).round(2).to_list()
        [0.83, 0.0]
    """
    answer = pl.col("output").fill_null("")
    hints = answer.str.contains_any(_HINTS, ascii_case_insensitive=True)
    filler = find_padding("output").list.join(" ").str.len_chars()
    repeated = pl.when(restates("output")).then(pl.col("instruction").str.len_chars()).otherwise(0)
    suspects = hints | _opens_alike("output")
    filled = measure_where(rows, "filled", suspects, filler + repeated)
    asked = pl.concat_str(["instruction", "input"], separator=" ", ignore_nulls=True)
    share = pl.when(~asked.str.contains(_ASKED_FOR)).then(
        (pl.col("filled") / answer.str.len_chars()).clip(0, 1)
    )
    found = rows.select("instruction", "input", "output", filled=filled)
    return measure_where(found, "padding", pl.col("filled") > 0, share, otherwise=0.0)
