"""`feingold schema`: the JSON Schema of a recipe."""

import argparse
import json
from typing import Any

from flows.recipes import recipe_json_schema


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print the schema."""
    schema = recipe_json_schema()
    if not arguments.json:
        print(json.dumps(schema, indent=1))
    return schema
