"""Sums in words, English and German."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Kind, form and language to what is asked; one of several is drawn.
WORDS: Final[Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]] = MappingProxyType({
    "plain": {
        "plus": {"en": ("What is {a} plus {b}?", "Add {a} and {b}."),
                 "de": ("Wie viel ist {a} plus {b}?", "Addiere {a} und {b}.")},
        "minus": {"en": ("What is {a} minus {b}?", "Subtract {b} from {a}."),
                  "de": ("Wie viel ist {a} minus {b}?", "Ziehe {b} von {a} ab.")},
        "times": {"en": ("What is {a} times {c}?", "Multiply {a} by {c}."),
                  "de": ("Wie viel ist {a} mal {c}?", "Multipliziere {a} mit {c}.")},
        "mixed": {"en": ("Calculate {a} + {b} * {c}.",), "de": ("Berechne {a} + {b} * {c}.",)},
    },
    "percent": {
        "share": {"en": ("What is {percent}% of {whole}?",),
                  "de": ("Wie viel sind {percent} % von {whole}?",)},
        "cheaper": {"en": ("A coat costs {whole} euros. In the sale it is {percent}% cheaper. What "
                           "does it cost now, in euros?",),
                    "de": ("Ein Mantel kostet {whole} Euro. Im Ausverkauf ist er {percent} % "
                           "billiger. Wie viel Euro kostet er jetzt?",)},
        "dearer": {"en": ("The rent of a garage is {whole} euros and rises by {percent}%. What is "
                          "the new rent, in euros?",),
                   "de": ("Die Miete einer Garage beträgt {whole} Euro und steigt um {percent} %. "
                          "Wie hoch ist die neue Miete in Euro?",)},
    },
    "shopping": {
        "cost": {"en": ("{name} buys {number} {goods} for {price} euros each. How many euros do "
                        "they cost in all?",),
                 "de": ("{name} kauft {number} {goods} zu je {price} Euro. Wie viel Euro kosten "
                        "sie zusammen?",)},
        "change": {"en": ("{name} buys {number} {goods} for {price} euros each and pays with "
                          "{paid} euros. How much change is there, in euros?",),
                   "de": ("{name} kauft {number} {goods} zu je {price} Euro und zahlt mit {paid} "
                          "Euro. Wie viel Euro gibt es zurück?",)},
    },
    "time": {
        "film": {"en": ("A film lasts {hours} h {minutes} min. How many minutes is that?",),
                 "de": ("Ein Film dauert {hours} h {minutes} min. Wie viele Minuten sind das?",)},
        "walks": {"en": ("{name} walks for {minutes} minutes on each of {days} days. How many "
                         "minutes is that in all?",),
                  "de": ("{name} geht an {days} Tagen je {minutes} Minuten spazieren. Wie viele "
                         "Minuten sind das zusammen?",)},
    },
    "units": {
        "km-m": {"en": ("How many metres are {number} kilometres?",),
                 "de": ("Wie viele Meter sind {number} Kilometer?",)},
        "m-cm": {"en": ("How many centimetres are {number} metres?",),
                 "de": ("Wie viele Zentimeter sind {number} Meter?",)},
        "kg-g": {"en": ("How many grams are {number} kilograms?",),
                 "de": ("Wie viel Gramm sind {number} Kilogramm?",)},
        "l-ml": {"en": ("How many millilitres are {number} litres?",),
                 "de": ("Wie viele Milliliter sind {number} Liter?",)},
        "h-min": {"en": ("How many minutes are {number} hours?",),
                  "de": ("Wie viele Minuten sind {number} Stunden?",)},
        "min-s": {"en": ("How many seconds are {number} minutes?",),
                  "de": ("Wie viele Sekunden sind {number} Minuten?",)},
        "d-h": {"en": ("How many hours are {number} days?",),
                "de": ("Wie viele Stunden sind {number} Tage?",)},
        "w-d": {"en": ("How many days are {number} weeks?",),
                "de": ("Wie viele Tage sind {number} Wochen?",)},
    },
    "speed": {
        "distance": {"en": ("A train goes {speed} km/h for {hours} hours. How many kilometres does "
                            "it go?",),
                     "de": ("Ein Zug fährt {hours} Stunden lang {speed} km/h. Wie viele Kilometer "
                            "legt er zurück?",)},
        "duration": {"en": ("A bus has {distance} km to go and drives {speed} km/h. How many hours "
                            "does it take?",),
                     "de": ("Ein Bus hat {distance} km vor sich und fährt {speed} km/h. Wie viele "
                            "Stunden braucht er?",)},
    },
    "sharing": {
        "each": {"en": ("{children} children share {whole} {goods} equally. How many does each "
                        "get?",),
                 "de": ("{children} Kinder teilen {whole} {goods} gerecht. Wie viele bekommt "
                        "jedes?",)},
        "left": {"en": ("{whole} {goods} go into bags of {children}. How many are left over?",),
                 "de": ("{whole} {goods} kommen zu je {children} in Tüten. Wie viele bleiben "
                        "übrig?",)},
    },
    "average": {
        "three": {"en": ("What is the average of {a}, {b} and {c}?",),
                  "de": ("Was ist der Durchschnitt von {a}, {b} und {c}?",)},
    },
    "area": {
        "area": {"en": ("A garden is {long} m long and {wide} m wide. What is its area in square "
                        "metres?",),
                 "de": ("Ein Garten ist {long} m lang und {wide} m breit. Wie viele Quadratmeter "
                        "hat er?",)},
        "fence": {"en": ("A garden is {long} m long and {wide} m wide. How many metres of fence go "
                         "around it?",),
                  "de": ("Ein Garten ist {long} m lang und {wide} m breit. Wie viele Meter Zaun "
                         "braucht er ringsum?",)},
    },
})  # fmt: skip
