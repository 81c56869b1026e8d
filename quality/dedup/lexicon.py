"""Word lists of the guards: numbers, negations, languages, opposites.

English first, with the commonest words of German, French and Spanish. A word that is mostly an
article or a pronoun ("one", "ein", "un") is left out: it would veto "Give an example" against
"Give one example".
"""

from collections.abc import Mapping
from types import MappingProxyType


def _by_word(groups: Mapping[str, str]) -> Mapping[str, str]:
    """Turn {meaning: "word word"} into {word: meaning}."""
    return MappingProxyType({word: key for key, text in groups.items() for word in text.split()})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Folded number word -> value as a digit string, or a name of its own.
NUMBER_WORDS = _by_word(
    {
        "0": "zero null cero zéro",
        "2": "two zwei deux dos",
        "3": "three drei trois tres",
        "4": "four vier quatre cuatro",
        "5": "five fünf cinq cinco",
        "6": "six sechs seis",
        "7": "seven sieben sept siete",
        "8": "eight acht huit ocho",
        "9": "nine neun neuf nueve",
        "10": "ten zehn dix diez",
        "11": "eleven elf onze",
        "12": "twelve zwölf douze doce dozen dutzend",
        "13": "thirteen dreizehn treize trece",
        "14": "fourteen vierzehn quatorze catorce",
        "15": "fifteen fünfzehn quinze quince",
        "16": "sixteen sechzehn seize",
        "17": "seventeen siebzehn",
        "18": "eighteen achtzehn",
        "19": "nineteen neunzehn",
        "20": "twenty zwanzig vingt veinte",
        "30": "thirty dreissig trente treinta",
        "40": "forty vierzig quarante cuarenta",
        "50": "fifty fünfzig cinquante cincuenta",
        "60": "sixty sechzig soixante sesenta",
        "70": "seventy siebzig setenta",
        "80": "eighty achtzig ochenta",
        "90": "ninety neunzig noventa",
        "100": "hundred hundert cent cien ciento",
        "1000": "thousand tausend mille mil",
        "1000000": "million millionen millions millón",
        "1000000000": "billion milliarde milliarden",
        "1st": "first erste ersten erster erstes premier première primero primera",
        "2nd": "second zweite zweiten zweiter deuxième segundo segunda",
        "3rd": "third dritte dritten dritter troisième tercero tercera",
        "4th": "fourth vierte vierten",
        "5th": "fifth fünfte fünften",
        "half": "half halb halbe moitié mitad",
        "twice": "twice double doppelt zweimal",
        "thrice": "thrice triple dreifach dreimal",
    }
)

#: Folded negating words; a word in "n't" negates too.
NEGATIONS = _words(
    """
    not no never without cannot neither nor none nobody nothing nowhere except excluding unless
    nicht kein keine keinen keinem keiner keines nie niemals ohne nichts niemand weder ausser
    pas jamais sans aucun aucune rien nunca jamás ningún ninguna ninguno sin
    não sem niet geen nooit zonder
    """
)

#: What turns a word into its negation ("valid", "invalid"). None is the beginning of another.
NEGATING_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "mis")

#: Folded name of a human or programming language -> its code.
LANGUAGES = _by_word(
    {
        "ar": "arabic arabisch arabe árabe",
        "bn": "bengali",
        "cs": "czech tschechisch",
        "da": "danish dänisch",
        "de": "german deutsch deutsche deutschen deutscher allemand alemán",
        "el": "greek griechisch",
        "en": "english englisch englische englischen englischer anglais inglés",
        "es": "spanish spanisch spanische espagnol español",
        "fa": "persian farsi persisch",
        "fi": "finnish finnisch",
        "fr": "french französisch französische français française francés",
        "he": "hebrew hebräisch",
        "hi": "hindi",
        "hu": "hungarian ungarisch",
        "id": "indonesian",
        "it": "italian italienisch italien italiano",
        "ja": "japanese japanisch japonais japonés",
        "ko": "korean koreanisch coreano",
        "la": "latin latein",
        "nl": "dutch niederländisch",
        "no": "norwegian norwegisch",
        "pt": "portuguese portugiesisch portugais portugués",
        "ro": "romanian rumänisch",
        "ru": "russian russisch russe ruso",
        "sv": "swedish schwedisch",
        "sw": "swahili",
        "th": "thai",
        "tr": "turkish türkisch",
        "uk": "ukrainian ukrainisch",
        "ur": "urdu",
        "vi": "vietnamese",
        "zh": "chinese mandarin chinesisch chinois chino",
        "bash": "bash",
        "c#": "c# csharp",
        "c++": "c++ cpp",
        "css": "css",
        "dart": "dart",
        "elixir": "elixir",
        "f#": "f#",
        "fortran": "fortran",
        "golang": "golang",
        "haskell": "haskell",
        "html": "html",
        "java": "java",
        "javascript": "javascript js",
        "json": "json",
        "julia": "julia",
        "kotlin": "kotlin",
        "lisp": "lisp",
        "lua": "lua",
        "matlab": "matlab",
        "perl": "perl",
        "php": "php",
        "powershell": "powershell",
        "prolog": "prolog",
        "python": "python",
        "ruby": "ruby",
        "scala": "scala",
        "sql": "sql",
        "typescript": "typescript",
        "xml": "xml",
        "yaml": "yaml",
    }
)

#: Languages whose name is a common word too: they count only where written with this case.
TITLE_CASE_LANGUAGES = MappingProxyType(
    {"C": "c", "R": "r", "Go": "golang", "Rust": "rust", "Swift": "swift", "Polish": "pl"}
)

#: Folded name of a unit -> its sign.
UNITS = _by_word(
    {
        "s": "second seconds sec secs sekunde sekunden seconde secondes segundo segundos",
        "min": "minute minutes minuten minuto minutos",
        "h": "hour hours hrs stunde stunden heure heures hora horas",
        "d": "day days tag tage tagen jour jours día días",
        "w": "week weeks woche wochen semaine semaines semana semanas",
        "mo": "month months monat monate mois mes meses",
        "y": "year years jahr jahre jahren année années año años",
        "°c": "celsius centigrade",
        "°f": "fahrenheit",
        "k": "kelvin",
        "mm": "mm millimeter millimeters millimetre millimetres",
        "cm": "cm centimeter centimeters centimetre centimetres",
        "m": "meter meters metre metres",
        "km": "km kilometer kilometers kilometre kilometres",
        "in": "inch inches",
        "ft": "foot feet ft",
        "yd": "yard yards",
        "mi": "mile miles",
        "mg": "mg milligram milligrams",
        "g": "gram grams gramm",
        "kg": "kg kilogram kilograms kilogramm",
        "oz": "ounce ounces oz",
        "lb": "pound pounds lb lbs",
        "ml": "ml milliliter milliliters",
        "l": "liter liters litre litres",
        "gal": "gallon gallons",
        "usd": "dollar dollars usd",
        "eur": "euro euros eur",
        "gbp": "sterling gbp",
        "jpy": "yen jpy",
        "cny": "yuan renminbi cny",
        "inr": "rupee rupees inr",
    }
)

#: Folded pairs of words that turn a task around.
OPPOSITES = frozenset(
    frozenset(pair.split("/"))
    for pair in _words(
        """
        add/subtract advantage/drawback advantage/disadvantage advantages/disadvantages
        advantages/drawbacks after/before agree/disagree all/any always/sometimes
        antonym/synonym antonyms/synonyms ascending/descending ask/answer bad/good benefit/drawback
        benefit/risk benefits/drawbacks benefits/risks benefits/disadvantages best/worst
        bigger/smaller biggest/smallest black/white bottom/top buy/sell cause/effect causes/effects
        cold/hot cons/pros decode/encode decrease/increase decreasing/increasing decrypt/encrypt
        difference/similarity differences/similarities divide/multiply east/west easy/hard
        even/odd export/import fact/opinion failure/success fall/rise false/true fast/slow
        faster/slower female/male feminine/masculine fewer/more first/last formal/informal
        future/past greater/less greater/smaller happy/sad heavy/light high/low higher/lower
        highest/lowest input/output inside/outside larger/smaller largest/smallest least/most
        left/right less/more long/short longer/shorter longest/shortest lose/win hate/love
        max/min maximize/minimize maximum/minimum man/woman men/women negative/positive new/old
        newest/oldest north/south noun/verb active/passive plural/singular problem/solution
        question/answer receive/send strength/weakness strengths/weaknesses short/tall down/up
        without/with old/young
        beste/schlechteste gross/klein grösste/kleinste gut/schlecht hoch/niedrig nach/vor
        nachteile/vorteile sinken/steigen
        """
    )
)
