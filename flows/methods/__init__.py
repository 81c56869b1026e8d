"""Kinds of generators: what each asks, in which steps, and what it makes of the replies.

A method is one file here, with its prompts in the file of the same name in `flows.generators`, its
options in the one in `schemas.recipe.generators`, and one line below.
"""

from collections.abc import Mapping
from types import MappingProxyType

from flows.methods.base import Method
from flows.methods.respond import Respond
from flows.methods.self_instruct import SelfInstruct
from flows.methods.verifiable import Verifiable

#: Value of `kind:` to the method.
METHODS: Mapping[str, type[Method]] = MappingProxyType(
    {
        "self_instruct": SelfInstruct,
        "respond": Respond,
        "verifiable": Verifiable,
    }
)
