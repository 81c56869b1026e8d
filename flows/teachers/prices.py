"""List prices of well-known models, with the day and the place they were read."""

import functools
import importlib.resources
import re
from dataclasses import dataclass

import yaml

from flows.teachers.servers import host_of

# `-2024-07-18` and `-20240718`: a snapshot costs what its base name costs, unless it is listed
# itself. No other ending is cut off: `-mini` is another model.
_SNAPSHOT = re.compile(r"-20\d\d(-?)(0[1-9]|1[0-2])\1(0[1-9]|[12]\d|3[01])\Z")


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """What a host asks for a million tokens, in US dollars.

    Attributes:
        prompt: price of the prompt.
        completion: price of the answer.
        batch_prompt: the same in a batch; null where the host sells none for less.
        batch_completion: likewise.
        as_of: day the price was read, `YYYY-MM-DD`.
        source: public address it was read at.
    """

    prompt: float
    completion: float
    batch_prompt: float | None
    batch_completion: float | None
    as_of: str
    source: str


def listed_price(base_url: str, model: str) -> ListedPrice | None:
    """Return what a model costs at an address; null where no price is known, also for free ones.

    Args:
        base_url: endpoint; its host decides, not its path.
        model: model name as the host knows it.
    """
    prices = listed_prices().get(host_of(base_url), {})
    return prices.get(model) or prices.get(_SNAPSHOT.sub("", model))


@functools.cache
def listed_prices() -> dict[str, dict[str, ListedPrice]]:
    """Return the whole table: host, then model."""
    path = importlib.resources.files("flows.teachers") / "prices.yaml"
    # libyaml, where there is one: the other takes longer than a hundred requests.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    hosts = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)["hosts"]  # noqa: S506 - safe
    without_batch = {"batch_prompt": None, "batch_completion": None}
    return {
        host: {model: ListedPrice(**{**without_batch, **entry}) for model, entry in models.items()}
        for host, models in hosts.items()
    }
