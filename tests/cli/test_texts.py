import pickle
from itertools import islice
from pathlib import Path

from spacy_biobert.cli.texts import Texts, find_texts


def test_texts_of_which_some_were_read_go_to_another_process(tmp_path: Path) -> None:
    """As a run with --limit leaves them."""
    source = tmp_path / "a.jsonl"
    source.write_text('{"id": "1", "text": "Rats."}\n' * 3)
    texts = Texts(find_texts([str(source)], None, parts=tmp_path / "parts"), 1000)
    first = list(islice(texts, 1))
    assert list(islice(pickle.loads(pickle.dumps(texts)), 1)) == first
    assert texts.share == 0.0
