"""Which licences of sources may be published together, and under which licence the whole then is.

A table of what the licences themselves say, no legal advice. What it does not list is taken to
demand its own licence for the whole, so that it goes together with permissive ones only.
"""

from collections.abc import Iterable
from typing import Final

#: Licences that let the whole be under any other: they ask for notices and attribution at most.
PERMISSIVE: Final = frozenset({
    "0bsd", "afl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "bsl-1.0", "cc0-1.0", "cc-by-1.0", "cc-by-2.0", "cc-by-2.5",
    "cc-by-3.0", "cc-by-4.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "ecl-2.0",
    "etalab-2.0", "isc", "mit", "mit-0", "ms-pl", "ncsa", "odc-by", "odc-by-1.0", "pddl",
    "pddl-1.0", "postgresql", "public-domain", "unlicense", "wtfpl", "zlib",
})  # fmt: skip
#: Demands to a licence of the whole: any of these.
_NON_COMMERCIAL: Final = {
    f"cc-by-nc-{version}": frozenset({
        *(f"cc-by-nc-{later}" for later in ("2.0", "2.5", "3.0", "4.0")),
        *(f"cc-by-nc-sa-{later}" for later in ("2.0", "2.5", "3.0", "4.0")),
    })
    for version in ("1.0", "2.0", "2.5", "3.0", "4.0")
}  # fmt: skip
_ORDER: Final = ("1.0", "2.0", "2.5", "3.0", "4.0")
#: Share alike: the same licence, or from version 2.0 on a later one.
_SHARE_ALIKE: Final = {
    f"{kind}-{version}": frozenset(
        f"{kind}-{later}" for later in (_ORDER[place:] if place else (version,))
    )
    for kind in ("cc-by-sa", "cc-by-nc-sa")
    for place, version in enumerate(_ORDER)
}
_DEMANDS: Final = {
    **_NON_COMMERCIAL,
    **_SHARE_ALIKE,
    "odbl": frozenset({"odbl", "odbl-1.0"}),
    "odbl-1.0": frozenset({"odbl", "odbl-1.0"}),
    "gpl-2.0-or-later": frozenset({"gpl-2.0-or-later", "gpl-3.0", "gpl-3.0-or-later"}),
    "gpl-3.0-or-later": frozenset({"gpl-3.0", "gpl-3.0-or-later"}),
}
#: Says nothing about what may be done.
_UNSTATED: Final = frozenset({"", "unknown", "other", "none", "unlicensed"})

#: What the Hub knows; any other licence is `other` there, with its name beside it.
HUB_LICENSES: Final = frozenset({
    "afl-3.0", "agpl-3.0", "apache-2.0", "apple-amlr", "apple-ascl", "artistic-2.0",
    "bigcode-openrail-m", "bigscience-bloom-rail-1.0", "bigscience-openrail-m", "bsd",
    "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "bsl-1.0", "c-uda", "cc", "cc-by-2.0",
    "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
    "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "cdla-permissive-1.0",
    "cdla-permissive-2.0", "cdla-sharing-1.0", "creativeml-openrail-m", "deepfloyd-if-license",
    "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "eupl-1.2", "gemma", "gfdl", "gpl",
    "gpl-2.0", "gpl-3.0", "h-research", "intel-research", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0",
    "lgpl-lr", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "lppl-1.3c",
    "mit", "mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by", "ofl-1.1", "openrail", "openrail++",
    "osl-3.0", "pddl", "postgresql", "unknown", "unlicense", "wtfpl", "zlib", "other",
})  # fmt: skip


def normalise_license(terms: str | None) -> str | None:
    """Return the id that the Hub and this table use; null where no licence is stated.

    Example:
        >>> normalise_license(" CC BY-SA 4.0 "), normalise_license("unknown")
        ('cc-by-sa-4.0', None)
    """
    found = "-".join((terms or "").lower().replace("_", "-").split())
    return None if found in _UNSTATED else found


def find_conflict(sources: Iterable[str | None], *, result: str | None) -> str | None:
    """Say why licences do not go together under the licence of the whole, or null.

    Args:
        sources: licences of the rows; null ones are not judged here.
        result: licence of the whole; null, `unknown` or `other`: none is stated.

    Returns:
        Part of a sentence, what is demanded and what came.

    Example:
        >>> find_conflict(["MIT", "CC-BY-4.0"], result=None) is None
        True
        >>> find_conflict(["MIT", "CC-BY-SA-4.0"], result="MIT")
        'cc-by-sa-4.0 demands cc-by-sa-4.0 for the whole, which is mit'
    """
    whole = normalise_license(result)
    ids = sorted({found for terms in sources if (found := normalise_license(terms)) is not None})
    for found in ids:
        if "-nd-" in found or found.endswith("-nd"):
            return f"{found} forbids to publish a changed selection"
    strict = [found for found in ids if found not in PERMISSIVE]
    for found in strict:
        others = [
            f"{found} and {other}" for other in strict if not _demands(found) & _demands(other)
        ]
        if others:
            return f"{others[0]} each demand their own licence for the whole"
    # One licence for all rows is the licence of the whole where none is stated.
    whole = whole or (ids[0] if len(ids) == 1 else None)
    for found in strict:
        if whole not in _demands(found):
            demand = " or ".join(sorted(_demands(found)))
            return f"{found} demands {demand} for the whole, which is {whole or 'not stated'}"
    return None


def _demands(found: str) -> frozenset[str]:
    """Licences of which the whole must have one."""
    return _DEMANDS.get(found, frozenset({found}))
