"""Results without the way to them."""

import polars as pl

from quality.scorers.measure import measure
from quality.words import count_words, is_code

_CALCULATES = (
    r"(?i)\b(?:calculat\w*|comput\w*|solv\w*|convert\w*|evaluat\w*|simplif\w*|factor\w*|estimat\w*|"
    r"determine|find|what is|how (?:many|much|long|far|old)|sum|average|mean|median|mode|product|"
    r"area|volume|"
    r"perimeter|probability|percent\w*|round\w*|add|subtract|multiply|divide|derivative|integral|"
    r"slope|"
    r"square root|equation|arrange|sort|order|rearrange|count|predict|total|distance|interest|"
    r"berechne|löse|rechne|wandle|konvertiere|vereinfache|bestimme|wie (?:viele?|lange|weit|alt)|"
    r"summe|durchschnitt|mittelwert|fläche|wahrscheinlichkeit|prozent|runde|sortiere|ordne|zähle)\b"
)
#: Models read pieces of words, not letters: spelling, counting and coding need steps as well.
_SPELLS = (
    r"(?i)\b(?:anagrams?|unscrambl\w*|palindromes?|spell(?:ed)? backwards?|revers(?:e|ed|ing) "
    r"(?:the |of "
    r"the |each )?(?:words?|letters?|string|order of)|cipher|encrypt\w*|decrypt\w*|decode|encode|"
    r"morse|hidden message|(?:most|least|second most) (?:common|frequent|used) (?:word|letter)|"
    r"longest word|shortest word|roman numerals?|hexadecimal|binary|octal|(?:dna|rna) sequence|"
    r"(?:count|number of|how many) (?:the )?(?:words|letters|characters|vowels|consonants|"
    r"syllables)|"
    r"(?:words|nouns|verbs) (?:that |which )?(?:begin|start|end)(?:ning|ing|s)? with the letter|"
    r"anagramme?|rückwärts|römische\w*|binär\w*|verschlüss\w*|entschlüss\w*|wie viele "
    r"(?:buchstaben|"
    r"wörter|vokale|silben))\b"
)
_STEPS = (
    r"(?i)=|\n.*\n|\b(?:because|therefore|first|then|step|so we|weil|daher|zuerst|dann|schritt|"
    r"also)\b"
)
_MANY_WORDS = 40


def unshown_calculation(rows: pl.DataFrame) -> pl.Series:
    """Rate how much the row asks for a calculation whose way is not shown.

    Language models that answer at once are often wrong with numbers and with letters, and nobody
    can see where. The more numbers a task gives and the shorter its answer, the higher the value;
    a task of spelling, counting letters or coding stands for two numbers.

    Args:
        rows: frame with `instruction`, `input` and `output`.

    Returns:
        Float64 in 0..1; 0.0 where the task gives no numbers or is about code, never null.

    Source:
        Wei et al. 2022 (chain of thought), https://arxiv.org/abs/2201.11903: direct answers to
        word problems are much less often right. Differs: a surface sign, no model.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Calculate the sum.", "Name a bird."],
        ...     "input": ["5, 10, 20", ""], "output": ["35", "Owl"]})
        >>> unshown_calculation(rows).to_list()
        [1.0, 0.0]
    """
    task = pl.concat_str(["instruction", "input"], separator=" ", ignore_nulls=True)
    answer = pl.col("output").fill_null("")
    figures = task.str.count_matches(r"\d+(?:[.,]\d+)*").clip(upper_bound=2) / 2
    spells = pl.col("instruction").fill_null("").str.contains(_SPELLS)
    numbers = pl.when(spells).then(1.0).otherwise(figures)
    asked = (
        pl.when(spells | pl.col("instruction").fill_null("").str.contains(_CALCULATES))
        .then(1.0)
        .otherwise(0.4)
    )
    brevity = 1 - (count_words(answer).cast(pl.Int64) - 1).clip(0, _MANY_WORDS) / _MANY_WORDS
    shown = pl.when(answer.str.contains(_STEPS)).then(0.5).otherwise(1.0)
    value = numbers * asked * brevity * shown
    return measure(rows, "unshown_calculation", pl.when(is_code(answer)).then(0.0).otherwise(value))
