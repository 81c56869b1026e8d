"""Patterns of tasks made of words: what a prompt asks for, English and German."""

from typing import Final

from quality.select.task_start import led_by

_TONGUE = (
    r"(?:english|german|french|spanish|italian|portuguese|dutch|russian|chinese|mandarin|japanese|"
    r"korean|arabic|hindi|latin|greek|turkish|polish|swedish|danish|norwegian|finnish|czech|hebrew|"
    r"swahili|vietnamese|thai|urdu|bengali|romanian|hungarian|ukrainian|indonesian|esperanto|"
    r"englische?n?|deutsche?n?|französische?n?|spanische?n?|italienische?n?|portugiesische?n?|"
    r"niederländische?n?|russische?n?|chinesische?n?|japanische?n?|koreanische?n?|arabische?n?|"
    r"lateinische?n?|griechische?n?|türkische?n?|polnische?n?|schwedische?n?|dänische?n?)"
)
TRANSLATION: Final = (
    rf"(?i)\b(?:translat(?:e|es|ing|ion)|übersetz(?:e|en|t|ung)?)\b[^.!?\n]*\b{_TONGUE}\b"
    rf"|^\W*(?:convert|change|render|put|rewrite|turn)\b[^.!?\n]{{0,80}}\b(?:from {_TONGUE}|"
    rf"(?:in)?to {_TONGUE})\b|\bhow (?:do|would|can) (?:you|i|we|one) say\b[^.\n]*\bin {_TONGUE}\b"
    rf"|\b(?:say|write|spell)\b[^.\n]{{1,60}}\bin {_TONGUE}\W*$"
    rf"|\bwhat(?:'s| is) the {_TONGUE} (?:word|translation|equivalent|term|phrase)\b"
    rf"|\b(?:back-?translate|ins {_TONGUE} übertragen|wie (?:sagt|"
    rf"heißt) man\b[^.\n]*\bauf {_TONGUE})"
)
#: The verb alone, where what is translated is a text.
TRANSLATION_VERB: Final = led_by(r"translate|übersetz(?:e|en)")
NOT_TRANSLATION: Final = (
    r"(?i)\b(?:into|in|to) (?:an? )?(?:\w+ )?(?:code|binary|morse|equations?|graphs?|"
    r"expressions?|formula|symbols?|emojis?|pictures?|layman|slang|simple|plain|action|numbers?|"
    r"mathematical|\w+ numerals?|pig latin|shakespear\w+|diagram|logic\w*)\b|\b(?:dna|rna|morse|"
    r"binary)\b"
)

_LABEL = (
    r"(?:categor(?:y|ies)|class(?:es)?|labels?|sentiment|genre|types?|topic|parts? of speech|"
    r"tone|tense|emotion|mood|intent|style|kategorien?|klasse|stimmung|wortart|gattung|tonfall)"
)
_CLASSIFICATION = (
    led_by(
        r"classify|categori[sz]e|label|tag|klassifizieren?|kategorisieren?|ordne|ordnen sie|"
        r"group|sort (?:the|these|this)[^.]{0,60} (?:into|as|by (?:category|type))|"
        r"assign[^.]{0,60} (?:category|categories|label|labels|class|tags?|genre)|"
        r"(?:determine|decide|tell(?: me)?|identify|say|state|indicate|check|predict|detect|judge|"
        r"evaluate|find out|figure out|recogni[sz]e|bestimmen?|entscheiden?|prüfen?|überprüfen?|"
        r"beurteilen?|sag(?:e|en)?) (?:sie )?(?:if|whether|ob)|"
        r"(?:determine|identify|detect|predict|tell me|name|specify|recogni[sz]e|analy[sz]e|"
        r"classify|bestimmen?|identifizieren?|erkennen?|analysieren?) (?:sie )?(?:the|which|what|"
        r"die|das|den|welche[rsn]?) (?:\w+ ){0,2}?"
        rf"{_LABEL} (?:of|in|for|expressed|conveyed|that|this|is|does|des|der|in|von)|"
        r"true or false|wahr oder falsch|richtig oder falsch"
    )
    + rf"|(?i:\b(?:what|which) (?:\w+ )?{_LABEL} (?:of \w+ )?(?:is|does|do|are) (?:the|this|these|"
    r"following)\b)"
    r"|(?i:\b(?:is|are|does|do|ist|sind) (?:the|this|these|following|der|die|das|dieser?|dieses)"
    r"[^.?!\n]{0,60}(?:sentence|statement|text|review|tweet|word|passage|phrase|satz|aussage|"
    r"bewertung|wort)[^?\n]{0,80} (?:or|oder) )"
    r"|(?i:\b(?:positive(?:ly)?|positiv)(?:,| or| oder| and|/) ?(?:neutral,? ?)?(?:or |oder )?"
    r"(?:negative?|neutral)\b|\bspam or (?:not|ham)\b|\bfact or opinion\b|\btrue or false\b)"
)

_TEXT = (
    r"(?:text|texts?|sentences?|passages?|paragraphs?|articles?|tweet|email|e-mail|story|document|"
    r"review|conversation|dialogue|poem|quote|statement|essay|news|snippet|post|speech|data|html|"
    r"excerpt|block|letter|satz(?:es)?|sätzen?|textes|absatz(?:es)?|artikels?|abschnitts?|"
    r"geschichte|gedichts?|dokuments?|bewertung|passagen?|e-mail)"
)
_EXTRACTION = (
    led_by(r"extract|extrahieren?|pull (?:out|all)|parse|highlight|underline|redact")
    + "|"
    + led_by(
        r"(?:identify|find|list|pick out|name|locate|select|spot|circle|retrieve|give|state|"
        r"output|return|get|detect|count|finden?|identifizieren?|nennen?|suchen?|listen?|"
        r"markieren?|zählen?) (?:sie )?(?:[^.\n]{0,80}?) (?:in|from|of|within|mentioned in|used in|"
        r"aus|im|in|des|der|dem|diesem) (?:(?:the|this|these|each|following|given|below|provided|"
        r"above|two|der|dem|den|diese[mnrs]?|folgenden?|gegebenen?|des) )+"
        rf"{_TEXT}"
    )
)
_SUMMARISATION = (
    led_by(
        r"summari[sz]e|sum up|condense|recap|abridge|zusammenfassen|"
        r"fassen? (?:sie )?[^.]{0,90}zusammen|"
        r"(?:write|create|generate|give|provide|make|compose|produce|construct|schreib(?:e|en)?|"
        r"erstell(?:e|en)?|generier(?:e|en)?|verfass(?:e|en)?|gib|geben) (?:sie )?(?:me |us |"
        r"mir )?(?:an? |the |eine?n? )?"
        r"(?:[\w-]+ ){0,4}?(?:summar(?:y|ies)|synopsis|abstract(?: (?:of|for|about)|\W*$)|tl;?dr|"
        r"overview of the (?:text|article|passage|story)|zusammenfassung|inhaltsangabe)"
    )
    + r"|(?i:\btl;dr\b|\bsummari[sz]e (?:the|this|it|these|what)\b|\bin (?:your own words|"
    r"one sentence|"
    r"a nutshell), (?:describe|explain|state) (?:the|this) (?:text|passage|article|story|"
    r"paragraph)\b)"
    r"|(?i:\b(?:main|key|central|most important) (?:ideas?|points?|themes?|takeaways?|message|"
    r"arguments?) (?:of|in|from|made in) (?:the|this) (?:\w+ )?(?:text|article|passage|paragraph|"
    r"story|excerpt|essay|speech|document)\b)"
)
_REWRITING = (
    led_by(
        r"re-?write|re-?phrase|paraphrase|re-?word|re-?formulate|edit|proof-?read|revise|"
        r"re-?arrange|"
        r"re-?order|re-?organi[sz]e|unscramble|correct|punctuate|capitali[sz]e|shorten|transform|"
        r"re-?structure|polish|modif(?:y|ies)|alter|adapt|expand|lengthen|"
        r"(?:change|convert|turn|make (?:the|this|these|it|that)|simplify|improve|fix|replace|"
        r"insert|add|delete|remove|"
        r"combine|merge|join|connect|rework|update|format|put|fill in|complete|switch|arrange|"
        r"delete|reduce|vary|break|split|expand|express|substitute|omit|swap)"
        rf" [^.\n]{{0,90}}?(?:{_TEXT}|words?|phrases?|verbs?|voice|tense|clauses?|grammar|spelling|"
        r"punctuation|blanks?|formal|concise)|"
        r"umschreiben?|zerlegen?|tauschen? (?:sie )?[^.]{0,90}\baus\b|schreib(?:e|"
        r"en)? (?:sie )?[^.]{0,90}\bum\b|formulier(?:e|en)? (?:sie )?"
        r"[^.]{0,90}\bum\b|umformulieren|paraphrasieren?|korrigieren?|überarbeiten?|kürzen?|"
        r"bearbeiten?|verbessern?|verbessere|wandle|wandeln|"
        r"(?:ändere?|ändern|ersetzen?|ersetze|füge|fügen|entferne|entfernen|kombiniere|verbinde|"
        r"verbinden|ergänze|vereinfache|setze|forme|konvertiere|konvertieren|mach(?:e|en)?|"
        rf"ordne|vervollständige|streiche) (?:sie )?[^.\n]{{0,90}}?(?:{_TEXT}|worte?s?|wörter|"
        rf"passiv|aktiv|zeitform|"
        r"aussage|phrase|satzbau|grammatik|form)"
    )
    + r"|(?i:\b(?:and|to|then|und) (?:re-?write|re-?phrase|paraphrase|reword|edit|"
    r"schreibe? \w+ um)\b)"
    r"|(?i:\bschreib(?:e|en) (?:sie )?(?:den|die|das|diese[ns]?|ihn|es|sie) [^.]{0,80}\bum\b)"
    r"|(?i:\b(?:identify|find|spot) and (?:correct|fix|edit|replace)\b|"
    r"\b(?:correct|fix) (?:the|any|all|its) (?:\w+ )?(?:errors?|mistakes?|grammar|spelling|"
    r"typos?)\b)"
)

_MAKES = (
    r"(?:write|compose|create|generate|tell(?: me| us)?|make(?: up)?|craft|draft|construct|produce|"
    r"come up with|develop|invent|design|give(?: me)?|imagine|formulate|build|provide|prepare|"
    r"brainstorm|pen|author|finish|continue|complete|rap|"
    r"schreib(?:e|en)?|verfass(?:e|en)?|erstell(?:e|en)?|dichte|erfinden?|erzähl(?:e|en)?|"
    r"generier(?:e|en)?|entwirf|entwerfen|gestalte|erzeuge|bilde|komponier(?:e|en)?|"
    r"konstruier(?:e|en)?)"
)
_PIECE = (
    r"(?:(?:short[ -])?stor(?:y|ies)|poems?|haikus?|limericks?|sonnets?|odes?|ballads?|verses?|"
    r"stanzas?|"
    r"rhymes?|couplets?|songs?|lyrics?|raps?|dialogues?|dialogs?|conversations?|monologues?|"
    r"skits?|scenes?|screenplays?|plays?|scripts?|plots?|fables?|fairy ?tales?|myths?|legends?|"
    r"jokes?|puns?|riddles?|tongue twisters?|slogans?|tag ?lines?|jingles?|catch ?phrases?|mottos?|"
    r"headlines?|"
    r"narratives?|novels?|chapters?|diary|journal entr(?:y|ies)|memoirs?|metaphors?|similes?|"
    r"analog(?:y|ies)|acrostics?|proverbs?|quotes?|backstor(?:y|ies)|"
    r"characters?|essays?|letters?|e-?mails?|blog(?: ?posts?)?|posts?|tweets?|speech(?:es)?|"
    r"captions?|articles?|reviews?|memos?|press releases?|advert(?:isement)?s?|ads?|pitch(?:es)?|"
    r"toasts?|eulog(?:y|ies)|obituar(?:y|ies)|scenarios?|introductions?|conclusions?|paragraphs?|"
    r"cover letters?|testimonials?|editorials?|reports?|notes?|invitations?|messages?|greetings?|"
    r"descriptions?|passages?|repl(?:y|ies)|job (?:descriptions?|postings?)|bios?|biograph(?:y|"
    r"ies)|sentences?|"
    r"geschichten?|gedichte?s?|märchen|lied(?:er|text)?|dialoge?|gespräche?|szenen?|drehbuch|"
    r"witze?|rätsel|wortspiele?|werbesprüche?|fabeln?|roman|metaphern?|vergleich|aufs[aä]tze?|"
    r"briefe?|beiträge?|beitrag|blogbeitrag|rede|artikel|rezension|anzeige|werbeanzeige|"
    r"pressemitteilung|einladung|nachricht|absatz|absätze|stellenanzeige|produktbeschreibung|"
    r"satz|sätze|analogien?|gleichnis|überschrift|einleitung|tagebucheintrag|szenarien|szenario)"
)
_CREATIVE = (
    led_by(
        rf"{_MAKES} (?:sie )?(?:(?:an?|the|two|three|four|five|six|\d+|some|this|that|your|my|our|"
        r"eine?[nrsm]?|das|den|die|zwei|drei|vier|fünf|mir|us) )?(?:[\w'’,-]+ ){0,5}?"
        rf"{_PIECE}"
    )
    + r"|(?i:^\W*(?:a |an |eine?n? )?(?:[\w-]+ ){0,2}(?:poem|haiku|short story|limerick|"
    r"gedicht) (?:about|über)\b)|(?i:\bonce upon a time\b|\bes war einmal\b)"
)

_IDEAS = (
    r"(?:ideas?|ways?|tips?|suggestions?|activit(?:y|ies)|strateg(?:y|ies)|names?|titles?|topics?|"
    r"questions?|themes?|things (?:to|you|that|one)|options?|solutions?|recommendations?|gifts?|"
    r"games?|methods?|techniques?|"
    r"approaches|possible|potential|creative|recipes?|projects?|resolutions|goals?|hobb(?:y|ies)|"
    r"steps|actions|prompts?|icebreakers?|hashtags?|domain|usernames?|ideen|möglichkeiten|tipps|"
    r"vorschläge|"
    r"aktivitäten|strategien|namen|titel|themen|fragen|lösungen|maßnahmen|spiele|methoden|rezepte?)"
)
_BRAINSTORMING = led_by(
    r"brainstorm|suggest|propose|recommend|come up with|think of|devise|invent|offer|"
    r"schlag(?:e|en)? (?:sie )?[^.]{0,120}\bvor\b|überleg(?:e|en)?|denk(?:e|en)?|empfehlen?|"
    r"empfiehl|(?:list|name|give|generate|create|provide|write|make|share|produce|identify|tell me|"
    r"outline|describe|compile|develop|formulate|construct|design|compose|find|"
    r"nennen?|gib|geben|generieren?|erstellen?|listen?|entwickeln?|entwickle|formulieren?|"
    r"sammle|finde|erzeuge|erzeugen) (?:sie )?(?:me |us |mir |uns )?"
    r"(?:(?:an?|the|some|at least|two|three|four|five|six|seven|eight|ten|\d+|several|different|"
    r"eine?|einige|zwei|drei|vier|fünf|sechs|zehn|mindestens|verschiedene) )*"
    rf"(?:[\w'’-]+ )?(?:lists? (?:of|with)\b|liste (?:von|mit)\b|(?:[\w'’-]+ ){{0,4}}?{_IDEAS})"
)
_QUESTION = (
    led_by(
        r"what(?:'s)?|who(?:se|m)?|when|where|why|which|how|explain|describe|define|discuss|answer|"
        r"compare|contrast|differentiate|distinguish|tell(?: me| us)?|name|list|outline|state|"
        r"elaborate|analy[sz]e|evaluate|assess|identify|find|give|provide|research|clarify|"
        r"illustrate|interpret|examine|mention|cite|specify|determine|review|comment|present|"
        r"enumerate|demonstrate|was|wer|wen|wem|wessen|wann|wo|woher|wohin|warum|wieso|weshalb|"
        r"welche[rsnm]?|wie|wozu|worin|erkläre?n?|erläutern?|erläutere|beschreib(?:e|en)?|"
        r"definieren?|nennen?|vergleichen?|analysieren?|diskutieren?|beantworten?|gib|geben sie|"
        r"zähle|sag|listen?|liste|identifizieren?|finden?|skizzieren?|bewerten?|bestimmen?|"
        r"ermitteln?|recherchieren?"
    )
    + r"|(?m:\?\s*$)"
)

#: Category to the pattern of its prompts.
PATTERNS: Final = {
    "summarisation": _SUMMARISATION,
    "classification": _CLASSIFICATION,
    "rewriting": _REWRITING,
    "extraction": _EXTRACTION,
    "creative_writing": _CREATIVE,
    "brainstorming": _BRAINSTORMING,
    "question_answering": _QUESTION,
}
