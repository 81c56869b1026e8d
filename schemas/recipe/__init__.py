"""The recipe: every option a user can set, with its default, bounds and unit.

`parse_recipe` turns a YAML mapping into a `Recipe` or into one `InputError` line that names the
path of the wrong field and the nearest valid name.
"""

from schemas.recipe.base import BudgetOptions, Options, Price, check_repository
from schemas.recipe.conversations import ConversationOptions, RoundOptions
from schemas.recipe.generators import GENERATOR_KINDS, GENERATORS, GeneratorOptions
from schemas.recipe.generators.answers import AnswerOptions, TargetOptions
from schemas.recipe.generators.respond import RespondOptions
from schemas.recipe.generators.self_instruct import SelfInstructOptions
from schemas.recipe.parsing import parse_recipe
from schemas.recipe.recipe import Recipe
from schemas.recipe.refining import (
    DecontaminateOptions,
    DedupOptions,
    FilterOptions,
    JudgeOptions,
    LexicalOptions,
    SelectOptions,
    SemanticContaminationOptions,
    SemanticOptions,
    StudentOptions,
)
from schemas.recipe.review import ReviewOptions
from schemas.recipe.sources import SourceOptions
from schemas.recipe.spending import SpendingOptions
from schemas.recipe.teacher import TeacherOptions
from schemas.recipe.training import TrainingOptions, read_amount
from schemas.recipe.trees import TreeOptions
from schemas.recipe.versions import (
    GateOptions,
    PublishOptions,
    RefreshOptions,
    SplitOptions,
)

__all__ = [
    "GENERATORS",
    "GENERATOR_KINDS",
    "AnswerOptions",
    "BudgetOptions",
    "ConversationOptions",
    "DecontaminateOptions",
    "DedupOptions",
    "FilterOptions",
    "GateOptions",
    "GeneratorOptions",
    "JudgeOptions",
    "LexicalOptions",
    "Options",
    "Price",
    "PublishOptions",
    "Recipe",
    "RefreshOptions",
    "RespondOptions",
    "ReviewOptions",
    "RoundOptions",
    "SelectOptions",
    "SelfInstructOptions",
    "SemanticContaminationOptions",
    "SemanticOptions",
    "SourceOptions",
    "SpendingOptions",
    "SplitOptions",
    "StudentOptions",
    "TargetOptions",
    "TeacherOptions",
    "TrainingOptions",
    "TreeOptions",
    "check_repository",
    "parse_recipe",
    "read_amount",
]
