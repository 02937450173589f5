"""Documents of text alone as annotated documents that have no annotation yet."""

from ..types import AnnotatedDocument, Document, Passage


def unannotated(document: Document) -> AnnotatedDocument:
    """Keep a document's text, with its title and sections as passages.

    document (Document): The document.
    RETURNS (AnnotatedDocument): Its passages are labelled "title" and as the
        sections are; a section alone, without a label, is the "abstract".
    """
    sections = document.sections
    parts = [("title", document.title)]
    if len(sections) == 1:
        parts.append((sections[0].label or "abstract", sections[0].text))
    else:
        parts += [(section.label, section.text) for section in sections]
    passages, end = [], -1
    for label, text in parts:
        if text:
            start = end + 1
            end = start + len(text)
            passages.append(Passage(start, end, label))
    divided = tuple(passages) if len(passages) > 1 else ()
    return AnnotatedDocument(document.id, document.text, passages=divided)
