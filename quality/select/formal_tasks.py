"""Patterns of program code and of calculation: English and German."""

from typing import Final

from quality.select.task_start import led_by

_LANGUAGE_CODE = (
    r"(?:python|java|java ?script|typescript|c\+\+|c#|\.net|php|html5?|css3?|(?:my|no|t-|pl/)?sql|"
    r"postgres(?:ql)?|sqlite|mongodb|bash|unix|linux|shell|powershell|node\.?js|react(?:js|\.js)?|"
    r"angular|vue|jquery|ruby|rust|golang|kotlin|swift|perl|matlab|scala|haskell|pandas|numpy|"
    r"django|flask|tensorflow|pytorch|scikit-learn|assembly|json|xml|yaml|vba|excel|latex)"
)
_CODE_NOUN = (
    r"(?:functions?|programs?|scripts?|code|codes|snippets?|quer(?:y|ies)|class(?:es)?|methods?|"
    r"algorithms?|loops?|statements?|commands?|formulas?|expressions?|pages?|web ?pages?|"
    r"web ?sites?|tables?|style ?sheets?|tags?|forms?|api|regex|variables?|arrays?|databases?|"
    r"dictionar(?:y|ies)|applications?|app|syntax|implementations?|modules?|macro|markup|"
    r"funktion(?:en)?|programm|programms|skript|abfrage|klasse|methode|algorithmus|schleife|"
    r"befehl|formel|seite|tabelle|ausdruck|formular|anweisung)"
)
_WRITES_CODE = (
    r"(?:write|create|generate|build|implement|develop|construct|design|code|compose|provide|give|"
    r"show|make|produce|program|refactor|debug|fix|edit|modify|optimi[sz]e|rewrite|convert|add|"
    r"complete|formulate|output|schreib(?:e|en)?|erstell(?:e|en)?|implementier(?:e|en)?|entwickl?e"
    r"(?:ln?)?|programmier(?:e|en)?|generier(?:e|en)?|gib|bau(?:e|en)?|konstruier(?:e|en)?)"
)

#: Program code is asked for by name.
CODE_ASKED: Final = (
    rf"(?i)\b{_WRITES_CODE}\b(?: \S+){{0,6}}? {_LANGUAGE_CODE}[ -](?:\w+ ){{0,2}}?{_CODE_NOUN}\b"
    rf"|\b{_WRITES_CODE}\b(?: \S+){{0,6}}? {_CODE_NOUN} (?:\S+ ){{0,2}}?(?:in|using|with|mit) "
    rf"{_LANGUAGE_CODE}(?:\W|$)"
    rf"|\b{_WRITES_CODE} (?:an? |the |some |eine?n? |den )?code (?:that|to|for|which|um|zum|der|"
    rf"für)\b"
    r"|\b(?:following|given|below|folgende[nr]?|gegebene[nr]?) code\b"
    r"|\b(?:code snippets?|pseudo-?code|source code|quell(?:code|text)|lines? of code|"
    r"(?:piece|block)s? of code|regex|regular expressions?|reguläre[nr]? ausdr(?:uck|ücke)|"
    r"sql (?:query|queries|statement|command)|sql-(?:abfrage|anweisung|befehl)|"
    r"python-(?:funktion|skript|programm|code|klasse))\b"
)
#: Words of the trade, each of which means something else, too: only beside code.
CODE_WORDS: Final = rf"(?i)\b{_CODE_NOUN}\b|\b{_LANGUAGE_CODE}(?:\W|$)"
#: Program code itself.
CODE: Final = (
    r"(?m)```|\bdef \w+ ?\([^)]*\) ?(?:->[^:\n]+)?:|\bclass \w+(?:\([\w., ]*\))?:\s*$|\bprint ?\(|"
    r"\blambda \w+:|\bfor \w+(?:, ?\w+)? in (?:range\(|\w+\s?:)|\b(?:el)?if [^\n]{1,60}:\s*$|"
    r"^\s*import [\w.]+;?(?: as \w+)?\s*$|^\s*from [\w.]+ import "
    r"|#include ?[<\"]|\bint main ?\(|\b(?:std::)?cout ?<<|\bprintf ?\(|\busing namespace "
    r"|\bpublic (?:static|class|void|int|string)\b|\bSystem\.out\.print|\bConsole\.Write"
    r"|\bfunction ?\w* ?\([^)]*\) ?\{|\bconsole\.log ?\(|\bdocument\.\w+|\b(?:const|let|"
    r"var) \w+ ?= ?\S|=> ?\{|\bfor ?\((?:int|let|var|auto)\b|\b(?:while|if) ?\([^)\n]+\) ?\{|"
    r"\breturn [^.\n]{0,60};"
    r"|\b(?:SELECT|select)\s[^.]{1,200}?\s(?:FROM|from) \w+|\bINSERT INTO \w+|\bUPDATE \w+\s+SET\b"
    r"|\bDELETE FROM \w+|\b(?:CREATE|ALTER|DROP) TABLE\b"
    r"|<!DOCTYPE|<\?php|</?(?:html|head|body|div|span|table|tr|td|ul|li|form|script|style|h[1-6]|p|"
    r"button|title|a|img|input)(?: [^>\n]*)?/?>|[.#]?[\w-]+ ?\{\s*[\w-]+: ?[^;{}\n]+;"
)

_NUMBER = r"(?:\d[\d.,/%]*|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|half)\b)"
#: A calculation is asked for, by its verb or by what is to be found.
MATHS_VERB: Final = led_by(
    r"calculat(?:e|ing)|compute|solve|evaluate|integrate|differentiate|multiply|divide|subtract|"
    r"add up|add|simplify|factori[sz]e|factor|round|approximate|estimate|convert|determine|find|"
    r"change|derive|prove|what(?:'s| is| are| was| will| would)|how (?:many|much|long|far|fast|"
    r"old|tall)|give|tell me|express|reduce|rewrite|count|work out|"
    r"berechnen?|löse|lösen|ermittel[en]|ermitteln|bestimmen?|multipliziere|dividiere|"
    r"addiere|subtrahiere|vereinfachen?|runden?|konvertieren?|wandle|wie ?viele?|wie (?:lang|groß|"
    r"hoch|weit|schnell|alt)|was ist|was sind|finden?"
)
MATHS_THING: Final = (
    r"(?i)\b(?:square roots?|cube roots?|(?:least|lowest|greatest|highest) common (?:multiple|"
    r"factor|divisor|denominator)|lcm|gcd|gcf|hcf|factorial|derivative|integral|"
    r"logarithm|equations?|polynomial|quadratic|hypotenuse|circumference|perimeter|"
    r"radius|diameter|surface area|area of|volume of|slope|mean|median|standard deviation|variance|"
    r"average|probability|permutations?|combinations?|percent(?:age)?|ratio|fractions?|"
    r"decimals?|binary|hexadecimal|octal|base[ -]\d+|prime (?:factors?|numbers?|factorization)|"
    r"factors of|multiples? of|remainder|quotient|sum of|product of|difference (?:of|between)|"
    r"matrix|determinant|dot product|vector|angle|triangle|circle|rectangle|cylinder|sphere|"
    r"interest|discount|total (?:cost|price|amount)|expression|value of|degrees? (?:celsius|"
    r"fahrenheit)|speed|distance|quadratwurzel|kubikwurzel|kgv|ggt|fakultät|ableitung|"
    r"gleichung(?:en|ssystem)?|hypotenuse|umfang|radius|durchmesser|fläche(?:ninhalt)?|"
    r"volumen|steigung|mittelwert|durchschnitt|standardabweichung|"
    r"wahrscheinlichkeit|prozent(?:satz)?|verhältnis|bruch|brüche|dezimalzahl|binär\w*|"
    r"hexadezimal\w*|primzahl(?:en)?|primfaktor\w*|teiler|vielfache\w*|rest|summe|produkt|"
    r"differenz|dreiecks?|kreis(?:es)?|rechtecks?|zylinders?|kugel|zinsen|rabatt|geschwindigkeit)\b"
)
#: Verbs that mean arithmetic wherever there is a number.
MATHS_PLAIN: Final = led_by(
    r"calculate|compute|solve|multiply|subtract|divide|factori[sz]e|integrate|round|"
    r"(?:add|sum)(?: up)? (?:the |these |all |up )*(?:following |given )?numbers|"
    r"berechnen?|löse|lösen sie|multipliziere|dividiere|teile|subtrahiere|addiere"
)
#: Units that are converted into each other.
MATHS_UNITS: Final = (
    r"(?i)\d ?(?:°|degrees?|grad)? ?(?:km|kilomet(?:er|re)s?|m|met(?:er|re)s?|cm|centimet(?:er|"
    r"re)s?"
    r"|mm|miles?|meilen|feet|foot|fuß|ft|inch(?:es)?|zoll|yards?|kg|kilograms?|kilogramm|g|grams?|"
    r"gramm|pounds?|pfund|lbs?|ounces?|oz|unzen|c|f|celsius|fahrenheit|kelvin|lit(?:er|re)s?|ml|"
    r"gallons?|gallonen|cups?|seconds?|sekunden|minutes?|minuten|hours?|stunden|acres?|hectares?|"
    r"hektar)\b[^.?!]{0,40}\b(?:to|into|in|zu|nach)\b"
)
#: An arithmetic expression, or an equation.
MATHS_EXPRESSION: Final = (
    r"\d\)? ?(?:[+*×÷^]|[-–/] ) ?\(?\d|\d ?[-–] ?\d+ ?=|"
    r"[0-9a-z)²³] ?[+*/^–-] ?\(?[0-9a-z]+\)? ?= ?-?\(?[0-9a-z]"
    r"|\b[xyz] ?[=+^*²³]|\d[xyz]\b|√|∫|\bsin\(|\bcos\(|\blog\b ?\(?\d|\bsqrt\("
)
#: A story that ends in "how many": it gives two numbers and asks for a third.
MATHS_STORY: Final = (
    rf"(?is){_NUMBER}\b.*{_NUMBER}.*\b(?:how (?:many|much|long|far|fast|old)|what (?:is|was|"
    rf"will be) "
    r"(?:the|his|her|their) (?:total|average|new|final|cost|price|probability|area|perimeter|"
    r"volume|distance|speed)|wie ?viele?|wie (?:lange|weit|schnell|alt|hoch))\b"
)
