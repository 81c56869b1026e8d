"""`feingold explain`: the whole story of one row."""

import argparse
from typing import Any

from flows.history.story import tell_story
from flows.history.story_text import describe_story
from flows.versions import open_version


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Tell where a row came from, what was measured, and why it is in or out."""
    version = open_version(arguments.path, out=arguments.out, home=arguments.home)
    answer = tell_story(version, arguments.id, home=arguments.home)
    if not arguments.json:
        print(describe_story(answer))
    return answer
