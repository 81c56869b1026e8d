"""Kinds of generators: what each asks, in which steps, and what it makes of the replies.

A method is one file here, with its prompts in the file of the same name in `flows.generators`, its
options in the one in `schemas.recipe.generators`, and one line below.
"""

from collections.abc import Mapping
from types import MappingProxyType

from flows.methods.base import Method
from flows.methods.best_of import BestOf
from flows.methods.dialogue import Dialogue
from flows.methods.evol_instruct import EvolInstruct
from flows.methods.grounded import Grounded
from flows.methods.identity import Identity
from flows.methods.magpie import Magpie
from flows.methods.persona import Persona
from flows.methods.preference import Preference
from flows.methods.respond import Respond
from flows.methods.revise import Revise
from flows.methods.self_instruct import SelfInstruct
from flows.methods.translate import Translate
from flows.methods.tree import GrowTrees
from flows.methods.verifiable import Verifiable

#: Value of `kind:` to the method.
METHODS: Mapping[str, type[Method]] = MappingProxyType(
    {
        "self_instruct": SelfInstruct,
        "respond": Respond,
        "identity": Identity,
        "tree": GrowTrees,
        "evol_instruct": EvolInstruct,
        "magpie": Magpie,
        "persona": Persona,
        "dialogue": Dialogue,
        "grounded": Grounded,
        "preference": Preference,
        "best_of": BestOf,
        "translate": Translate,
        "revise": Revise,
        "verifiable": Verifiable,
    }
)
