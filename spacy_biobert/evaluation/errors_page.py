"""Mistakes as a page to look at, gold beside predicted, entities as displaCy shows them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from spacy.tokens import Doc
from spacy.training import Example

from .mistakes import Bounds, Finding, Mistake

# displaCy's, dealt out to the labels in alphabetic order.
COLOURS = (
    *("#7aecec", "#bfeeb7", "#feca74", "#ff9561", "#aa9cfc", "#c887fb"),
    *("#9cc9cc", "#ffeb80", "#ff8197", "#f0d0ff", "#bfe1d9", "#e4e7d2"),
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font-family: system-ui, sans-serif; max-width: 90rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; table-layout: fixed; }}
th, td {{ border-top: 1px solid #ddd; padding: 0.5rem; text-align: left; vertical-align: top; }}
h2 {{ font-size: 1rem; margin: 2rem 0 0.5rem; }}
.counts {{ width: auto; table-layout: auto; }}
.entities {{ line-height: 2.5; white-space: pre-wrap; }}
.entity {{ padding: 0.45em 0.6em; margin: 0 0.25em; line-height: 1; border-radius: 0.35em; }}
.entity span {{ font-size: 0.8em; font-weight: bold; vertical-align: middle; margin-left: 0.5rem; }}
.wrong {{ outline: 2px solid #c00; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>What is wrong has a red line around it, and says behind its label what it is: missed, spurious, of wrong
bounds, or of a wrong label. A number is the confidence of what was predicted.</p>
{counts}
{documents}
</body>
</html>
"""


def write_errors_page(
    found: Sequence[tuple[Example, Sequence[Mistake]]], *, title: str
) -> str:
    """Write the sentences with mistakes, by document.

    found (Sequence): Examples and what `find_mistakes` found in each.
    title (str): The page's title.
    RETURNS (str): HTML that needs no other file; what comes from the documents is
        escaped.
    """
    labels = {
        ent.label_
        for eg, _ in found
        for doc in (eg.reference, eg.predicted)
        for ent in doc.ents
    }
    colours = {
        label: COLOURS[i % len(COLOURS)] for i, label in enumerate(sorted(labels))
    }
    documents = [_document(eg, mistakes, colours) for eg, mistakes in found if mistakes]
    return PAGE.format(
        title=escape(title),
        counts=_counts(one for _, mistakes in found for one in mistakes),
        documents="\n".join(documents) or "<p>No mistakes.</p>",
    )


def _counts(mistakes: Iterable[Mistake]) -> str:
    counts = Counter((one.kind, one.mistake) for one in mistakes)
    rows = "".join(
        f"<tr><td>{kind}</td><td>{mistake}</td><td>{n:,}</td></tr>"
        for (kind, mistake), n in sorted(counts.items())
    )
    head = "<tr><th>of</th><th>mistake</th><th>number</th></tr>" if rows else ""
    return f'<table class="counts">{head}{rows}</table>'


def _document(eg: Example, mistakes: Sequence[Mistake], colours: dict[str, str]) -> str:
    gold = [(one.mistake, one.kind, one.gold) for one in mistakes]
    predicted = [(one.mistake, one.kind, one.predicted) for one in mistakes]
    sides = [(eg.reference, _wrong(gold)), (eg.predicted, _wrong(predicted))]
    rows = []
    for bounds, numbers in _join_overlapping(mistakes):
        cells = [
            f"<td>{_sentences(doc, bounds, wrong, colours)}"
            f"{_list([shown[number] for number in numbers])}</td>"
            for (doc, wrong), shown in zip(sides, (gold, predicted), strict=True)
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    name = escape(mistakes[0].document)
    return (
        f"<h2>{name}</h2>\n<table><tr><th>gold</th><th>predicted</th></tr>\n"
        + "\n".join(rows)
        + "\n</table>"
    )


def _join_overlapping(mistakes: Sequence[Mistake]) -> list[tuple[Bounds, list[int]]]:
    """Put mistakes that share a sentence together, so that it is shown once.

    RETURNS (list): Bounds in characters, and the numbers of the mistakes in them.
    """
    joined: list[tuple[Bounds, list[int]]] = []
    order = sorted(range(len(mistakes)), key=lambda i: mistakes[i].start)
    for number in order:
        one = mistakes[number]
        if joined and one.start < joined[-1][0][1]:
            (start, end), numbers = joined.pop()
            joined.append(((start, max(end, one.end)), [*numbers, number]))
        else:
            joined.append(((one.start, one.end), [number]))
    return joined


# What is wrong, of what kind, and what stands on the side of it that is shown.
ShownT = Sequence[tuple[str, str, Finding | None]]
# Of the entities that are wrong on a side: what is wrong, and its confidence.
WrongT = dict[Bounds, str]


def _wrong(shown: ShownT) -> WrongT:
    return {
        side.places[0]: f" · {mistake}{_confidence(side)}"
        for mistake, kind, side in shown
        if side and kind == "entity"
    }


def _sentences(doc: Doc, bounds: Bounds, wrong: WrongT, colours: dict[str, str]) -> str:
    text, (at, last) = doc.text, bounds
    parts = []
    for ent in doc.ents:
        if ent.start_char < at or ent.end_char > last:
            continue
        mistake = wrong.get((ent.start_char, ent.end_char), "")
        parts.append(escape(text[at : ent.start_char]))
        parts.append(
            f'<mark class="entity{" wrong" if mistake else ""}" '
            f'style="background: {colours[ent.label_]}">{escape(ent.text)}'
            f"<span>{escape(ent.label_ + mistake)}</span></mark>"
        )
        at = ent.end_char
    parts.append(escape(text[at:last]))
    return f'<div class="entities">{"".join(parts)}</div>'


def _list(shown: ShownT) -> str:
    """List the relations and topics that are on one side alone."""
    items = []
    for mistake, kind, side in shown:
        if side is not None and kind != "entity":
            of_what = f": {' → '.join(side.texts)}" if side.texts else ""
            shown_side = escape(side.label + of_what + _confidence(side))
            items.append(f"<li>{mistake} {kind} {shown_side}</li>")
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _confidence(side: Finding) -> str:
    return "" if side.confidence is None else f" {side.confidence:.2f}"
