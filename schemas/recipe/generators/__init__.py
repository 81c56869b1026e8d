"""The options of every kind of generator."""

from typing import Annotated, Final, get_args

from pydantic import Field

from schemas.recipe.generators.best_of import BestOfOptions
from schemas.recipe.generators.dialogue import DialogueOptions
from schemas.recipe.generators.evol_instruct import EvolInstructOptions
from schemas.recipe.generators.grounded import GroundedOptions
from schemas.recipe.generators.identity import IdentityOptions
from schemas.recipe.generators.magpie import MagpieOptions
from schemas.recipe.generators.persona import PersonaOptions
from schemas.recipe.generators.preference import PreferenceOptions
from schemas.recipe.generators.respond import RespondOptions
from schemas.recipe.generators.revise import ReviseOptions
from schemas.recipe.generators.self_instruct import SelfInstructOptions
from schemas.recipe.generators.translate import TranslateOptions
from schemas.recipe.generators.tree import GrowOptions
from schemas.recipe.generators.verifiable import VerifiableOptions

AnyGenerator = (
    SelfInstructOptions
    | RespondOptions
    | IdentityOptions
    | GrowOptions
    | EvolInstructOptions
    | MagpieOptions
    | PersonaOptions
    | DialogueOptions
    | GroundedOptions
    | PreferenceOptions
    | BestOfOptions
    | TranslateOptions
    | ReviseOptions
    | VerifiableOptions
)  # fmt: skip
GeneratorOptions = Annotated[AnyGenerator, Field(discriminator="kind")]

#: One model for each kind.
GENERATORS: Final = get_args(AnyGenerator)
#: What `kind:` may say.
GENERATOR_KINDS: Final = frozenset(
    str(get_args(model.model_fields["kind"].annotation)[0]) for model in GENERATORS
)
