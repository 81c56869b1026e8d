"""What the page carries to draw with: BokehJS out of the installed package, styles and scripts."""

import base64
import hashlib
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from schemas.errors import InputError

_HERE: Final = Path(__file__).parent
_LIBRARY: Final = ("bokeh.min.js", "bokeh-api.min.js")
_OWN: Final = ("look.js", "search.js", "charts.js", "map.js")
# In a script element of a page these would end it, or hide its end.
_FORBIDDEN: Final = ("</script", "<!--", "<script")


@cache
def scripts() -> tuple[str, ...]:
    """Return the scripts of the page in their order: the plotting library, then its own one.

    Raises:
        InputError: if Bokeh is not installed.
    """
    # Importing Bokeh would take half a second and its dependencies; only its files are wanted.
    spec = find_spec("bokeh")
    if spec is None or spec.origin is None:
        msg = "expected the package bokeh, which draws the report, got none: pip install bokeh"
        raise InputError(msg)
    folder = Path(spec.origin).parent / "server" / "static" / "js"
    library = [_read(folder / name) for name in _LIBRARY]
    return (*library, "\n".join(_read(_HERE / name) for name in _OWN))


def style() -> str:
    """Return the styles of the page."""
    return _read(_HERE / "report.css")


def template() -> str:
    """Return the template of the page."""
    return _read(_HERE / "report.html.j2")


def csp_hash(script: str) -> str:
    """Return the hash by which the page's policy names a script."""
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def embed_json(value: object) -> str:
    r"""Write a value as JSON that can stand in a script element, whatever its strings hold.

    Example:
        >>> embed_json({"text": "</script><!--\u2028"})
        '{"text":"\\u003c/script\\u003e\\u003c!--\\u2028"}'
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _read(path: Path) -> str:
    text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    if path.suffix == ".js" and any(word in text.lower() for word in _FORBIDDEN):
        msg = f"expected a script that can stand in a page, got one that would end it: {path}"
        raise InputError(msg)
    return text
