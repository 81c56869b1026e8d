"""Refusals and "As an AI" boilerplate in the answer."""

import polars as pl

from quality.scorers.measure import measure
from quality.words import count_words

_AI = (
    r"(?:an? )?(?:ai|a\.i\.|artificial intelligence|(?:large |ai )?language model|"
    r"ai (?:language )?(?:model|assistant)|virtual assistant|chatbot|text-based (?:ai|model))"
    r"(?: (?:language )?(?:model|assistant|program|system))?(?: (?:developed|trained|"
    r"created) by \w+)?"
)
_CANNOT = (
    r"(?:can(?:no|['’])t|can not|won['’]t|will not|do(?:n['’]t| not) (?:have|feel comfortable)|"
    r"am (?:not able|unable) to|['’]m (?:not able|unable) to|am not (?:capable|programmed)|"
    r"['’]m not (?:capable|programmed)|must (?:decline|refuse))"
)
_HELP = (
    r"(?: \w+){0,3}? ?(?:assist|help|fulfil|fulfill|comply|provide|generate|create|answer|respond|"
    r"complete|process|access|browse|open|view|see|perform|engage|discuss|support|continue|do that|"
    r"do this|give (?:you|advice)|offer|produce|display|draw|execute|the ability|access|to help|"
    r"of)\b"
)
_SORRY = (
    r"(?:(?:i['’]m|i am) (?:\w+ )?(?:sorry|afraid)|sorry|unfortunately|apologies|i apologi[sz]e)"
)
_KI = (
    r"(?:eine? )?(?:ki(?:[- ](?:sprach)?(?:modell|assistent(?:in)?|system))?|"
    r"k(?:ü|ue)nstliche intelligenz|(?:gro(?:ß|ss)es )?sprachmodell|chatbot)"
)
_NICHT = r"[^.!?\n]{0,60}\b(?:nichts?|kein(?:e[nmrs]?)?)\b"

_LEIDER = r"(?:es tut mir (?:sehr )?leid|tut mir leid|entschuldigung|ich bedaure|leider)"
_HELFEN = (
    r"(?:\b(?:weiter)?helfen|beantworten|unterstützen|erfüllen|nachkommen|erstellen|erzeugen|"
    r"generieren|zeichnen|anzeigen|öffnen|zugreifen|ausführen|bearbeiten|durchführen|liefern|"
    r"auskunft geben|rat geben|sagen|bereitstellen|übersetzen|abspielen|senden|suchen|in der "
    r"lage)\b"
)
#: The whole answer is a refusal: it opens with one.
_OPENING = (
    rf"(?i)^\W{{0,3}}(?:(?:{_SORRY})[^.!?\n]{{0,25}}?\bi ?{_CANNOT}{_HELP}"
    rf"|(?:no,? )?i ?{_CANNOT}(?: \w+| in good conscience)? ?(?:be able to )?(?:assist|help|fulfil|"
    r"fulfill|comply|generate|create|answer|process|browse|engage|respond|do that|with that|set up|"
    r"send|schedule|search|access (?:the|any|this|that|external|real|your|files?|links?|web)|"
    r"play (?:music|songs?|audio|videos?|sounds?|the (?:song|music|video))|"
    r"provide (?:that|this|you|any|instructions?|information|medical|legal|financial|advice|an? )|"
    r"complete (?:this|that|the (?:task|request)|your))\b"
    r"|i (?:do not|don['’]t) have (?:\w+ )?access to (?:the|real|live|current|your|any|external|"
    r"personal|"
    r"up)\b"
    r"|i (?:regret|apologi[sz]e|am sorry)[^.!?\n]{0,20}\bi (?:cannot|can['’]t) (?:help|assist|"
    r"answer)\b"
    r"|i (?:must|have to) (?:\w+ )?(?:decline|refuse)(?: to (?:answer|help|assist|respond|write|"
    r"provide)\b"
    r"|[.!]|$)"
    r"|(?:that|this)(?:['’]s| is) not something (?:that )?i(?:['’]m| am| can)\b"
    r"|it(?: is|['’]s| would be) (?:not (?:appropriate|possible|ethical)|unethical|inappropriate|"
    r"impossible) for me to (?:answer|help|assist|complete|provide|generate|perform|fulfil)"
    r"|it(?: is|['’]s) (?:not |im)possible to (?:complete|perform|fulfil|fulfill|answer) (?:this|"
    r"the) "
    r"(?:task|request|instruction|question)\b"
    r"|(?:this|the|your) (?:task|request|instruction|prompt) (?:cannot|can['’]t|can not|could "
    r"not) be "
    r"(?:completed|fulfilled|answered|performed|done|processed)\b"
    r"|(?:the|this) (?:ai|model|assistant|chatbot) (?:is (?:unable|not able) to|cannot|can['’]t)\b"
    r"|i(?:['’]m sorry,?| am sorry,?)? ?(?:but )?i (?:do not|don['’]t|didn['’]t|did not) "
    r"(?:quite )?"
    r"understand (?:the|your|this|what you)\b"
    rf"|(?:{_SORRY}|due to)[^.!?\n]{{0,40}}\b(?:this|the|that|your) (?:task|request|instruction|"
    rf"prompt)\b"
    r"|(?:sorry|unfortunately),? (?:but )?(?:this|that) (?:can(?:not|['’]t) be|is (?:not|"
    r"im)[ ]?possible)"
    r"|unable to (?:perform|complete|fulfil|fulfill|process|answer) (?:this|the|that|your) "
    r"(?:task|request|instruction|question)\b"
    rf"|(?:{_LEIDER}[^.!?\n]{{0,25}}?)?\b(?:(?:(?:das|dazu|dabei|hierzu|hierbei|darüber) "
    rf")?(?:kann|darf|"
    rf"möchte|werde) ich|ich (?:kann|darf|möchte|werde|bin)|wir "
    rf"können){_NICHT}[^.!?\n]{{0,40}}{_HELFEN}"
    rf"|(?:{_LEIDER}[^.!?\n]{{0,12}})?es ist mir (?:leider )?nicht (?:möglich|gestattet|erlaubt)\b"
    r"|(?:leider )?(?:habe ich|ich habe) (?:leider )?kein(?:en|e)? (?:zugriff|zugang) (?:auf|"
    r"zu[mr]?)\b"
    r"|(?:leider )?(?:kann |konnte )?(?:diese|die|ihre|deine) (?:aufgabe|anfrage) (?:kann|"
    r"konnte)? ?"
    r"(?:leider )?nicht (?:erfüllt|bearbeitet|ausgeführt|abgeschlossen|beantwortet))"
)
#: The model speaks about itself as a machine that lacks something.
_BOILERPLATE = (
    rf"(?i)(?:\bas {_AI},? (?:but )?i\b[^.!?\n]{{0,40}}(?:can(?:no|['’])t|do(?:n['’]t| not)|"
    r"am not|['’]m not|unable|not able|lack|haven['’]t|have no|cannot|won['’]t|am only)"
    rf"|\bi(?:['’]m| am) (?:just |only |merely )?{_AI}\b[^.!?\n]{{0,40}}(?:can(?:no|['’])t|"
    rf"do(?:n['’]t| not)|"
    r"unable|not able|without)"
    rf"|\bas {_AI},? my (?:abilities|capabilities|knowledge|responses?) (?:is|are) limited\b"
    r"|\bmy (?:training data|knowledge)(?: base)? (?:only |is |was )?(?:goes|extends|ends|cuts? "
    r"off|"
    r"limited|up) (?:only )?(?:up )?to\b|\bas of my (?:last|latest|most recent|knowledge)(?: "
    r"knowledge|"
    r" training)? (?:update|cut-?off|training)\b"
    r"|\bthe (?:ai |language )?model (?:is unable|is not able|cannot) (?:to )?(?:generate|create|"
    r"complete|perform|draw|produce|access)\b"
    r"|\bwe (?:cannot|can['’]t|are (?:unable|not able) to) (?:complete|perform|fulfil|fulfill|"
    r"answer|"
    r"process) (?:this|the) (?:task|request|instruction)\b"
    r"|\bwir können diese (?:aufgabe|anfrage) (?:leider )?nicht (?:erfüllen|ausführen|bearbeiten|"
    r"abschließen)\b"
    rf"|\bals {_KI},? ist es mir{_NICHT}"
    rf"|\bals {_KI},? (?:kann|habe|bin|darf|besitze|verfüge) ich{_NICHT}"
    rf"|\bich bin (?:nur |lediglich |bloß )?{_KI}[^.!?\n]{{0,40}}\b(?:nicht|kein(?:e[nmrs]?)?)\b)"
)
#: Tasks whose right answer may well be, or quote, a refusal.
_ASKED_FOR = (
    r"(?i)refus|declin|ai assistant|virtual assistant|apolog|reject|say(?:ing)? no|turn(?:ing)? "
    r"down|language model|\bas an ai\b|"
    r"chat ?bot|translat|paraphras|rephrase|role-?play|pretend|ablehn|absag|entschuldig|übersetz|"
    r"sprachmodell|\bals ki\b|umformulier"
)
#: A refusal this long goes on to answer.
_ANSWER_WORDS = 60


def find_refusal(column: str) -> pl.Expr:
    """Return the refusing phrase of `column`, null where there is none."""
    # "I can't help but smile" is none.
    words = (
        pl.col(column)
        .fill_null("")
        .str.replace_all(
            r"(?i)\b(?:can(?:no|['’])t|could(?:n['’]t| not)) help (?:but|\w+ing)\b", "must"
        )
    )
    return pl.coalesce(words.str.extract(_OPENING, 0), words.str.extract(_BOILERPLATE, 0))


def refusal(rows: pl.DataFrame) -> pl.Series:
    """Say whether the output refuses the task or speaks "as an AI" of what it cannot do.

    Only the output is searched, so an instruction that discusses such phrases does not count. A
    refusal must open the answer; "As an AI, I do not ..." counts anywhere. A first person who is
    merely sorry ("I'm sorry I cannot attend") is not a refusal.

    Args:
        rows: frame with `instruction`, `input` and `output`.

    Returns:
        Float64: 1.0 refusal, 0.5 where one is followed by an answer of more than 60 words, 0.0
        none; null where one is found but the task asks to write, translate or play something
        that may contain it.

    Source:
        Phrase lists in the spirit of Vicuna's cleaning and of Zheng et al. 2023,
        https://arxiv.org/abs/2306.05685. Differs: position matters, German, and it abstains where
        the refusal was asked for.

    Example:
        >>> rows = pl.DataFrame({"instruction": ["Tell a joke."] * 2, "input": [""] * 2,
        ...     "output": ["I'm sorry, but I cannot help with that.", "I'm sorry I am late!"]})
        >>> refusal(rows).to_list()
        [1.0, 0.0]
    """
    task = pl.concat_str(["instruction", "input"], separator="\n", ignore_nulls=True)
    found = find_refusal("output").is_not_null()
    answers = count_words(pl.col("output")) > _ANSWER_WORDS
    score = pl.when(~found).then(0.0).when(answers).then(0.5).otherwise(1.0)
    return measure(rows, "refusal", pl.when(~(found & task.str.contains(_ASKED_FOR))).then(score))
