"""Colours of labels on a light and on a dark page, with text that can be read on them."""

import colorsys
import re
from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib.colors import CSS4_COLORS
from spacy.displacy.render import DEFAULT_ENTITY_COLOR, EntityRenderer

RGB = tuple[float, float, float]
BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
# The first colour in what CSS may call one, such as a gradient.
COLOUR = re.compile(
    r"#(?P<hex>[0-9a-f]{3,8})\b"
    r"|(?P<function>rgb|hsl)a?\((?P<values>[^)]*)\)"
    r"|(?P<name>\b" + r"\b|\b".join(CSS4_COLORS) + r"\b)",
    re.IGNORECASE,
)
# Lightness and saturation (0 to 1) of labels without a colour, and of all on a dark page.
LIGHTNESS, SATURATION = 0.83, 0.6
DARK_LIGHTNESS, DARK_SATURATION = 0.29, 0.5
# Turns of the hue that keep any number of colours apart.
GOLDEN = 0.618034


@dataclass(frozen=True, slots=True)
class Paint:
    """A background and the text on it, as "#rrggbb"."""

    background: str
    text: str


@dataclass(frozen=True, slots=True)
class LabelPaint:
    """How a label is painted on a light page and on a dark one."""

    light: Paint
    dark: Paint


def paint_labels(labels: Iterable[str]) -> dict[str, LabelPaint]:
    """Choose the colours of labels.

    Those that displaCy has: its own, then what packages register as
    `spacy_displacy_colors`. Other labels get a hue each.

    labels (Iterable[str]): Labels of entities and spans.
    RETURNS (dict[str, LabelPaint]): By label.
    RAISES (ValueError): If something else than a dict is registered; spaCy's E925.
    """
    registered = EntityRenderer({}).colors
    painted, n_unknown = {}, 0
    for label in sorted(set(labels)):
        colour = registered.get(label.upper())
        if colour is None:
            rgb = colorsys.hls_to_rgb(n_unknown * GOLDEN % 1, LIGHTNESS, SATURATION)
            n_unknown += 1
        else:
            rgb = parse_colour(str(colour))
        painted[label] = LabelPaint(paint(rgb), paint(darken(rgb)))
    return painted


def parse_colour(written: str) -> RGB:
    """Read a colour as CSS writes it.

    written (str): "#rgb", "#rrggbb", "rgb(…)", "hsl(…)" or a name; of a gradient the
        first colour counts. Transparency does not.
    RETURNS (tuple): Red, green and blue, 0 to 1; those of displaCy's default where
        there is no colour.
    """
    found = COLOUR.search(written)
    if found is None:
        return parse_colour(DEFAULT_ENTITY_COLOR)
    if found["name"]:
        return parse_colour(str(CSS4_COLORS[found["name"].lower()]))
    if found["hex"]:
        digits = found["hex"]
        if len(digits) < 6:
            digits = "".join(2 * digit for digit in digits[:3])
        return _rgb(int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    values = [
        (float(number), unit)
        for number, unit in re.findall(
            r"(-?\d+(?:\.\d+)?|-?\.\d+)(%?)", found["values"]
        )
    ]
    if len(values) < 3:
        return parse_colour(DEFAULT_ENTITY_COLOR)
    if found["function"].lower() == "rgb":
        return _rgb(value / (100 if unit else 255) for value, unit in values[:3])
    (hue, _), (saturation, _), (lightness, _) = values[:3]
    return _rgb(
        colorsys.hls_to_rgb(
            hue / 360 % 1, _unit(lightness / 100), _unit(saturation / 100)
        )
    )


def darken(rgb: RGB) -> RGB:
    """Give the same hue for a dark page."""
    hue, _, saturation = colorsys.rgb_to_hls(*rgb)
    return _rgb(
        colorsys.hls_to_rgb(hue, DARK_LIGHTNESS, min(saturation, DARK_SATURATION))
    )


def paint(background: RGB) -> Paint:
    """Put the text on a background that can be read best, black or white.

    One of them always has a contrast of 4.58 or more: that of both to the background
    multiplies to 21, the contrast of black to white.
    """
    # What is shown is rounded to 255 steps, so what is compared is, too.
    background = _rgb(round(255 * value) / 255 for value in background)
    text = max((BLACK, WHITE), key=lambda colour: contrast(colour, background))
    return Paint(_hex(background), _hex(text))


def contrast(one: RGB, other: RGB) -> float:
    """Give the contrast of two colours, 1 to 21.

    SOURCE: WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(rgb: RGB) -> float:
    """Give the relative luminance of a colour, 0 to 1.

    SOURCE: WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    """
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in rgb
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(values: Iterable[float]) -> RGB:
    red, green, blue = map(_unit, values)
    return red, green, blue


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _hex(rgb: RGB) -> str:
    return "#" + "".join(f"{round(255 * value):02x}" for value in rgb)
