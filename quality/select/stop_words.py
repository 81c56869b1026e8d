"""Words that say nothing about the topic of a prompt: English and German."""

from typing import Final

_ENGLISH = """
a about above after again against all also although always am among an and another any anyone
anything are aren't around as at away back be became because become been before being below better
best between both but by came can can't cannot come could couldn't did didn't different do does
doesn't doing don't done down due during each either else enough etc even ever every everyone
everything few for from further get getting go goes going good got had has hasn't have having he
hello her here hers herself hi him himself his how however i i'd i'll i'm i've if in instead into is
isn't it it's its itself just keep kind know last least less let let's like look lot made main many
may me might mine more most much must my myself near need needed needs neither never new next no nor
not nothing now of off often ok on once one only onto or other others our ours out over own per
perhaps put quite rather really same see seem several shall she should shouldn't since so some
someone something sometimes still such take tell than that that's the their theirs them themselves
then there there's these they they're thing things think this those though three through thus to
together too toward two under until up upon us use used uses using usually very via want was wasn't
way we well went were weren't what what's whatever when where whether which while who whom whose why
will with within without won't would wouldn't yes yet you you're your yours yourself zero four five
six seven eight nine ten first second third
http https www com org
"""
# What prompts begin with, whatever they are about.
_ENGLISH_PROMPTS = """
add answer appropriate assistant based brief briefly choose come complete consider construct create
design detail detailed describe describing determine develop develops discuss draw example examples
explain explaining explanation find follow following form formulate generate generated given gives
give identify include included includes including input instruction instructions list make makes
making name named number output paragraph please possible produce propose provide provided provides
question request required respond response return select show specific state step steps suggest task
text type types word words write writing written
"""
_GERMAN = """
ab aber alle allem allen aller alles als also am an andere anderen anderer anderes auch auf aus bei
beim bin bis bist bitte da dabei dadurch dafür dagegen daher damit danach dann daran darauf daraus
darf das dass davon dazu dein deine deinem deinen deiner dem den denen denn der deren des dessen
dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine einem einen einer
eines einige einigen er es etwas euch euer für ganz gar gegen geht gibt habe haben hat hatte hätte
hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im immer in indem ins ist ja jede jedem
jeden jeder jedes jetzt kann kannst kein keine keinem keinen keiner könnte können könnten lassen man
manche mehr mein meine meinem meinen meiner mich mir mit möchte muss müssen nach nachdem neben nein
nicht nichts noch nun nur ob oder ohne schon sehr sein seine seinem seinen seiner seit sich sie sind
so solche soll sollen sollte sollten sondern über um und uns unser unsere unter viel viele vielen
vom von vor während war waren warum was weil welche welchem welchen welcher welches wenn wer werde
werden wie wieder will wir wird wo woher wohin wollen worden wurde wurden würde würden zu zum zur
zwei drei vier fünf sechs sieben acht neun zehn zwischen
"""
_GERMAN_PROMPTS = """
angegebene angegebenen antwort antworte aufgabe ausgabe basierend beantworte beispiel beispiele
beschreibe beschreiben bestimme bestimmen eingabe entwickle entwickeln erkläre erklären erstelle
erstellen finde finden folgende folgendem folgenden folgender folgendes frage gebe geben gegeben
gegebene gegebenen gib identifiziere identifizieren liste nenne nennen schlage schlagen schreibe
schreiben text verwende verwenden wort worte wörter
"""

STOP_WORDS: Final = frozenset(f"{_ENGLISH} {_ENGLISH_PROMPTS} {_GERMAN} {_GERMAN_PROMPTS}".split())
