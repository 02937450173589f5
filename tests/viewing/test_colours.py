import pytest
import spacy
from catalogue import Registry
from hypothesis import given
from hypothesis import strategies as st
from spacy import displacy
from spacy.displacy.render import DEFAULT_LABEL_COLORS, EntityRenderer
from spacy.tokens import Span
from spacy.util import registry

from spacy_biobert.viewing.colours import (
    contrast,
    darken,
    paint,
    paint_labels,
    parse_colour,
)
from spacy_biobert.viewing.label_colours import LABEL_COLOURS

READABLE = 4.5
HEX = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def ratio(one: str, other: str) -> float:
    """The contrast of two colours from the definition, without our code."""
    levels = []
    for colour in (one, other):
        total = 0.0
        for weight, at in ((0.2126, 1), (0.7152, 3), (0.0722, 5)):
            value = int(colour[at : at + 2], 16) / 255
            linear = (
                value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
            )
            total += weight * linear
        levels.append(total + 0.05)
    return max(levels) / min(levels)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Colours that another package seems to register."""
    found: dict[str, str] = {}
    known = registry.displacy_colors.get_all()
    monkeypatch.setattr(
        Registry, "get_all", lambda self: {**known, "other": lambda: found}
    )
    return found


def test_contrast_is_that_of_known_pairs() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    # The lightest grey that may be text on white, and the next one that may not.
    for grey, expected in ((0x76, 4.54), (0x77, 4.48)):
        found = contrast((grey / 255,) * 3, (1, 1, 1))
        assert found == pytest.approx(expected, abs=0.005)


@given(colour=HEX)
def test_text_is_readable_on_any_colour_in_both_themes(colour: str) -> None:
    for rgb in (parse_colour(colour), darken(parse_colour(colour))):
        painted = paint(rgb)
        assert ratio(painted.background, painted.text) >= READABLE
    assert paint(parse_colour(colour)).background == colour


def test_text_is_readable_on_all_registered_colours_and_new_ones() -> None:
    labels = {*EntityRenderer({}).colors, *(f"NEW_{n}" for n in range(50))}
    for painted in paint_labels(labels).values():
        for theme in (painted.light, painted.dark):
            assert ratio(theme.background, theme.text) >= READABLE
        assert ratio(painted.light.background, "#000000") > ratio(
            painted.dark.background, "#000000"
        )


def test_labels_have_their_registered_colour_in_any_case() -> None:
    painted = paint_labels(["Chemical", "disease", "PERSON"])
    assert painted["Chemical"].light.background == LABEL_COLOURS["CHEMICAL"]
    assert painted["disease"].light.background == LABEL_COLOURS["DISEASE"]
    assert painted["PERSON"].light.background == DEFAULT_LABEL_COLORS["PERSON"]


def test_labels_without_a_colour_get_different_ones() -> None:
    painted = paint_labels(f"label {n}" for n in range(12))
    assert len({paint.light.background for paint in painted.values()}) == 12


def test_colours_of_other_packages_count(registered: dict[str, str]) -> None:
    registered["MINE"] = "linear-gradient(90deg, #aa9cfc, #fc9ce7)"
    assert paint_labels(["mine"])["mine"].light.background == "#aa9cfc"


def test_displacy_paints_our_labels() -> None:
    doc = spacy.blank("en")("Aspirin helps.")
    doc.ents = [Span(doc, 0, 1, label="Chemical")]
    assert LABEL_COLOURS["CHEMICAL"] in displacy.render(doc, style="ent")


def test_our_colours_leave_those_of_spacy_alone() -> None:
    assert not set(LABEL_COLOURS) & set(DEFAULT_LABEL_COLORS)
    assert all(label == label.upper() for label in LABEL_COLOURS)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("#fc0", (1, 0.8, 0)),
        ("#FFCC00cc", (1, 0.8, 0)),
        ("rgb(255, 204, 0)", (1, 0.8, 0)),
        ("rgba(100% 80% 0% / 0.5)", (1, 0.8, 0)),
        ("hsl(48, 100%, 50%)", (1, 0.8, 0)),
        ("RebeccaPurple", (0.4, 0.2, 0.6)),
        ("linear-gradient(to right, lime, #fff)", (0, 1, 0)),
        ("rgb(300, 204, 0)", (1, 0.8, 0)),
        # displaCy's default, #ddd
        ("url(javascript:alert(1))", (0.867, 0.867, 0.867)),
        ("rgb(1)", (0.867, 0.867, 0.867)),
        ("", (0.867, 0.867, 0.867)),
    ],
)
def test_colours_are_read_as_css_writes_them(
    written: str, expected: tuple[float, ...]
) -> None:
    assert parse_colour(written) == pytest.approx(expected, abs=0.001)
