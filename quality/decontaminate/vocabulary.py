"""Words that carry no content, and words that stand for numbers: English and German."""

from collections.abc import Mapping
from typing import Final

from quality.dedup.lexicon import NUMBER_WORDS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Words that carry no content, and what prompts say of themselves.
FUNCTION_WORDS: Final = _words(
    """
    a an the and or but if then than that this these those there here of in on at by for from to
    into onto with without within over under about after before during between through up down out
    off as is are was were be been being am do does did doing done have has had having will would
    shall should can could may might must not no nor so such very too also just only own same more
    most much many few some any all each every either neither other another it its i me my mine we
    us our ours you your yours he him his she her hers they them their theirs who whom whose which
    what when where why how s t re ve ll d m st nd rd th please question answer
    der die das den dem des und oder aber wenn dann als dass dies diese dieser dieses hier dort von
    im am an auf bei für aus zu zum zur mit ohne über unter nach vor während zwischen durch ist sind
    war waren sein bin hat haben hatte wird werden wurde kann können soll sollte muss darf nicht
    kein keine auch nur sehr mehr viel viele einige jeder jede jedes alle ich mich mir mein wir uns
    unser du dich dir dein er ihn ihm sie ihr es wer wen wem was wann wo warum wie welche welcher
    welches sich bitte frage antwort einen einem einer eines
    """
)

#: Words that stand for a number, a share or a multiple of it, or a rank, and the number.
NAMED_VALUES: Final[Mapping[str, str]] = {
    word: value for word, value in NUMBER_WORDS.items() if value.isdigit()
} | {
    word: value
    for value, words in {
        "1": "one ones once single first ein eine einmal erste ersten erster erstes",
        "2": "half halves twice double doubles doubled both pair pairs couple second halb halbe "
        "doppelt zweimal beide paar zweite zweiten zweiter",
        "3": "third thirds thrice triple triples tripled drittel dreifach dreimal dritte dritten",
        "4": "fourth fourths quarter quarters viertel vierte vierten",
        "5": "fifth fifths fünftel fünfte fünften",
        "10": "decade decades jahrzehnt jahrzehnte",
    }.items()
    for word in words.split()
}
