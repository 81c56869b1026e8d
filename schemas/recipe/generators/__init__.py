"""The options of every kind of generator."""

from typing import Annotated, Final, get_args

from pydantic import Field

from schemas.recipe.generators.respond import RespondOptions
from schemas.recipe.generators.self_instruct import SelfInstructOptions
from schemas.recipe.generators.verifiable import VerifiableOptions

AnyGenerator = (
    SelfInstructOptions
    | RespondOptions
    | VerifiableOptions
)  # fmt: skip
GeneratorOptions = Annotated[AnyGenerator, Field(discriminator="kind")]

#: One model for each kind.
GENERATORS: Final = get_args(AnyGenerator)
#: What `kind:` may say.
GENERATOR_KINDS: Final = frozenset(
    str(get_args(model.model_fields["kind"].annotation)[0]) for model in GENERATORS
)
