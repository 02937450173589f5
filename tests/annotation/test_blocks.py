from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.annotation import blocks
from spacy_biobert.annotation.blocks import make_blocks
from spacy_biobert.annotation.checks import SeenIds, SetAside, Text, checked
from spacy_biobert.types import AnnotatedDocument, Passage

ITEMS = st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=30)


def document(name: str, text: str = "Aspirin") -> Text:
    return Text("a.jsonl", AnnotatedDocument(name, text))


@given(made=ITEMS, n_documents=st.integers(1, 7))
def test_blocks_have_every_document_once_and_only_the_last_is_short(
    made: list[tuple[bool, int]], n_documents: int
) -> None:
    items = [
        document(str(i), "x" * n) if whole else SetAside("a.jsonl", str(i), "broken")
        for i, (whole, n) in enumerate(made)
    ]

    found = list(make_blocks(items, n_documents=n_documents))

    assert [block.number for block in found] == list(range(len(found)))
    assert [d.id for block in found for d in block.documents] == [
        item.document.id for item in items if isinstance(item, Text)
    ]
    assert [entry for block in found for entry in block.set_aside] == [
        item for item in items if isinstance(item, SetAside)
    ]
    sizes = [len(block.documents) + len(block.set_aside) for block in found]
    assert all(size == n_documents for size in sizes[:-1])


def test_a_block_of_long_documents_has_fewer(monkeypatch) -> None:
    monkeypatch.setattr(blocks, "MOST_CHARACTERS", 10)
    lengths = [4, 4, 4, 25, 1, 9, 1]

    found = make_blocks(
        [document(str(i), "x" * n) for i, n in enumerate(lengths)], n_documents=5
    )

    assert [[len(d.text) for d in block.documents] for block in found] == [
        [4, 4], [4], [25], [1, 9], [1],
    ]  # fmt: skip


def test_documents_that_cannot_be_annotated_are_set_aside_in_their_place() -> None:
    items = [
        document("1"),
        document("2", " \n"),
        document("3", "x" * 9),
        document("1", "again"),
        document("4", "half \ud83d"),
        Text(
            "a.jsonl",
            AnnotatedDocument("5", "a b", passages=(Passage(0, 1, "\udcff"),)),
        ),
        document("6"),
    ]

    found = list(checked(items, max_length=8))

    assert [
        item.error[:6] if isinstance(item, SetAside) else item.document.id
        for item in found
    ] == ["1", "[B516]", "[B505]", "[B506]", "[B507]", "[B507]", "6"]


@given(
    st.lists(
        st.sampled_from(["1", "01", "PMC1", "PMC10", "a-1", "a-10", "", "²", "10"])
    )
)
def test_seen_ids_are_a_set(names: list[str]) -> None:
    seen, known = SeenIds(), set()
    for name in names:
        assert seen.add(name) == (name not in known)
        known.add(name)


def test_ids_with_many_prefixes_are_told_apart() -> None:
    seen = SeenIds()
    names = [f"{chr(97 + i % 26)}{chr(97 + i // 26)}{i}" for i in range(300)]

    assert all(seen.add(name) for name in names)
    assert not any(seen.add(name) for name in names)
