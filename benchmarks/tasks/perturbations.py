"""Text as it comes in practice: other capitals, spaces, letters, line ends.

Each perturbation is a list of edits of a text. `edit_document` makes them and carries
the gold annotation along: what a mention says is its old text with the edits that lie
in it, and none at its bounds.
"""

import random
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from spacy_biobert.types import AnnotatedDocument, Mention, Passage

# Of the words that are long enough, those with a typo.
TYPO_SHARE = 0.1
WORD = re.compile(r"[^\W\d_]+")
TYPO_LETTERS = 5
# Where a line of print ends, in characters, and the fewest letters on a side of it.
LINE = 72
LEAST_LETTERS = 3
SYMBOL = re.compile(r"[^\w\s]")
# As Greek letters are spelled in names; the sign of "micro" looks like one of them.
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon",
    "ζ": "zeta", "η": "eta", "θ": "theta", "ι": "iota", "κ": "kappa",
    "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Δ": "Delta", "Ω": "Omega", "\u00b5": "micro",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of text and what stands in its place.

    start (int): In characters; an insertion has the same `end`.
    """

    start: int
    end: int
    text: str


Perturb = Callable[[str, str], list[Edit]]


def lower_case(text: str, name: str) -> list[Edit]:
    """Write all in small letters."""
    return [
        Edit(place, place + 1, letter.lower())
        for place, letter in enumerate(text)
        if letter != letter.lower()
    ]


def space_symbols(text: str, name: str) -> list[Edit]:
    """Set each symbol apart, as corpora do that come in columns."""
    places = {
        place
        for match in SYMBOL.finditer(text)
        for place in match.span()
        if 0 < place < len(text)
        and not text[place - 1].isspace()
        and not text[place].isspace()
    }
    return [Edit(place, place, " ") for place in sorted(places)]


def swap_letters(text: str, name: str) -> list[Edit]:
    """Swap two letters inside of some words, rolled by the name of the document."""
    dice = random.Random(f"typos {name}")
    edits = []
    for match in WORD.finditer(text):
        if len(match[0]) >= TYPO_LETTERS and dice.random() < TYPO_SHARE:
            place = dice.randrange(match.start() + 1, match.end() - 2)
            swapped = text[place + 1] + text[place]
            edits.append(Edit(place, place + 2, swapped))
    return edits


def hyphenate(text: str, name: str) -> list[Edit]:
    """Break lines, and the words that reach over their ends, as print does."""
    edits = []
    line_start = 0
    for match in WORD.finditer(text):
        if match.start() - line_start >= LINE:
            line_start = match.start()
        if match.end() - line_start < LINE:
            continue
        place = line_start + LINE - 1
        least, most = match.start() + LEAST_LETTERS, match.end() - LEAST_LETTERS
        if least <= place <= most:
            edits.append(Edit(place, place, "-\n"))
            line_start = place
        elif text[match.start() - 1] == " ":
            edits.append(Edit(match.start() - 1, match.start(), "\n"))
            line_start = match.start()
    return edits


def spell_greek(text: str, name: str) -> list[Edit]:
    """Spell Greek letters out."""
    return [
        Edit(place, place + 1, GREEK[letter])
        for place, letter in enumerate(text)
        if letter in GREEK
    ]


PERTURBATIONS: dict[str, Perturb] = {
    "small_letters": lower_case,
    "spaced_symbols": space_symbols,
    "typos": swap_letters,
    "hyphenation": hyphenate,
    "spelled_greek": spell_greek,
}


def perturb_document(
    document: AnnotatedDocument, perturb: Perturb
) -> AnnotatedDocument:
    """Perturb a document; the same one always in the same way."""
    return edit_document(document, perturb(document.text, document.id))


def edit_document(
    document: AnnotatedDocument, edits: Iterable[Edit]
) -> AnnotatedDocument:
    """Edit a text and carry its annotation along.

    document (AnnotatedDocument): The document.
    edits (Iterable[Edit]): In the order of the text, none over another. One that lies
        across a bound of a mention or passage is left out.
    RETURNS (AnnotatedDocument): The edited one.
    """
    stretches: list[Mention | Passage] = [
        *(document.mentions or ()),
        *document.passages,
    ]
    bounds = sorted({bound for s in stretches for bound in (s.start, s.end)})
    kept = [edit for edit in edits if not _crosses(edit, bounds)]
    moved = _Moved(kept)
    text = _edited(document.text, kept)
    mentions = document.mentions and tuple(
        replace(
            mention,
            start=(start := moved.start(mention.start)),
            end=(end := moved.end(mention.end)),
            text=text[start:end],
        )
        for mention in document.mentions
    )
    passages = tuple(
        replace(p, start=moved.start(p.start), end=moved.end(p.end))
        for p in document.passages
    )
    return replace(document, text=text, mentions=mentions, passages=passages)


class _Moved:
    """Where places of a text stand after its edits."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self.starts = [edit.start for edit in edits]
        self.ends = [edit.end for edit in edits]
        grown = (len(edit.text) - (edit.end - edit.start) for edit in edits)
        self.shifts = [0, *accumulate(grown)]

    def start(self, place: int) -> int:
        """Move a first character: what is inserted before it stays before it."""
        return place + self.shifts[bisect_right(self.ends, place)]

    def end(self, place: int) -> int:
        """Move the end of a stretch: what is inserted there stays behind it."""
        n_before = bisect_right(self.ends, place)
        # An insertion there, at most one, ends and begins at the place.
        n_before -= n_before > 0 and self.starts[n_before - 1] == place
        return place + self.shifts[n_before]


def _edited(text: str, edits: Sequence[Edit]) -> str:
    parts, place = [], 0
    for edit in edits:
        parts += [text[place : edit.start], edit.text]
        place = edit.end
    return "".join([*parts, text[place:]])


def _crosses(edit: Edit, bounds: Sequence[int]) -> bool:
    """Tell whether a bound lies inside of an edit."""
    return bisect_left(bounds, edit.end) > bisect_right(bounds, edit.start)
