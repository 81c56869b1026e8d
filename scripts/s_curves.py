"""Draws docs/s-curves.svg: the chance that LSH compares a pair, from the banding of the code.

`python scripts/s_curves.py` writes it; a test holds it equal to what the code would draw.
"""

from pathlib import Path

from quality.dedup.minhash import Bands, choose_bands

TARGET = Path(__file__).resolve().parent.parent / "docs" / "s-curves.svg"
_LEFT, _TOP, _SIDE_X, _SIDE_Y = 60, 20, 620, 300
_COLOURS = {0.5: "#4477aa", 0.6: "#228833", 0.7: "#cc3311", 0.8: "#aa3377", 0.9: "#555555"}
#: What datasketch's optimiser picks at 128 permutations and threshold 0.7.
_DATASKETCH = Bands(14, 9)


def draw() -> str:
    """Return the picture."""
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 390" role="img" '
        'font-family="sans-serif" font-size="13">',
        "<title>Chance that two rows are compared, by their Jaccard similarity</title>",
        '<rect width="900" height="390" fill="#ffffff"/>',
    ]
    for step in range(11):
        share = step / 10
        x, y = _place(share, share)
        lines += [
            f'<path d="M{x:.1f} {_TOP}V{_TOP + _SIDE_Y}" stroke="#e6e6e6"/>',
            f'<path d="M{_LEFT} {y:.1f}H{_LEFT + _SIDE_X}" stroke="#e6e6e6"/>',
            f'<text x="{x:.1f}" y="{_TOP + _SIDE_Y + 18}" text-anchor="middle">{share:.1f}</text>',
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.1f}</text>',
        ]
    middle = _LEFT + _SIDE_X / 2
    lines.append(
        f'<text x="{middle:.0f}" y="{_TOP + _SIDE_Y + 36}" text-anchor="middle">'
        "Jaccard similarity of the pair</text>"
    )
    lines += [_curve(_DATASKETCH, "#999999", ' stroke-dasharray="6 5"')]
    for place, (threshold, colour) in enumerate(_COLOURS.items()):
        banding = choose_bands(threshold)
        lines.append(_curve(banding, colour))
        x, y = _place(threshold, banding.chance(threshold))
        lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        lines.append(_label(place, colour, f"{threshold}: {banding.bands} bands of {banding.rows}"))
    lines.append(_label(len(_COLOURS), "#999999", "datasketch, 0.7: 14 of 9"))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _place(similarity: float, chance: float) -> tuple[float, float]:
    return _LEFT + _SIDE_X * similarity, _TOP + _SIDE_Y * (1 - chance)


def _curve(banding: Bands, colour: str, style: str = "") -> str:
    points = (_place(step / 100, banding.chance(step / 100)) for step in range(101))
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{style}/>'


def _label(place: int, colour: str, text: str) -> str:
    y = _TOP + 24 + 20 * place
    return (
        f'<path d="M{_LEFT + _SIDE_X + 16} {y - 4}h22" stroke="{colour}" stroke-width="3"/>'
        f'<text x="{_LEFT + _SIDE_X + 46}" y="{y}">{text}</text>'
    )


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
    print(TARGET)
