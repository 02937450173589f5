import pytest

from spacy_biobert.encoder.folder import find_folder


def refuse(name, **_):
    raise ConnectionError(f"no way to {name}: " + "many words " * 100)


@pytest.fixture
def places(tmp_path, monkeypatch):
    (tmp_path / "assets" / "biobert-mini").mkdir(parents=True)
    (tmp_path / "assets" / "something").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("spacy_biobert.encoder.folder.snapshot_download", refuse)
    return tmp_path


def test_a_name_that_is_no_folder_is_answered_with_near_ones_and_a_short_reason(places):
    with pytest.raises(FileNotFoundError) as refused:
        find_folder("assets/biobert-mni")
    message = str(refused.value)
    assert message.startswith(
        "[B301] 'assets/biobert-mni': no such folder here "
        "(did you mean 'assets/biobert-mini'?). Nor "
    )
    assert "no way to assets/biobert-mni" in message
    assert len(message) < 350


def test_a_path_that_is_no_folder_is_answered_with_near_ones(places):
    with pytest.raises(FileNotFoundError, match=r"\[B300\].*biobert-mini'\?\)"):
        find_folder(str(places / "assets" / "biobert-mimi"))


def test_a_name_that_is_near_nothing_is_answered_without_a_guess(places):
    with pytest.raises(FileNotFoundError, match=r"no such folder here\. Nor"):
        find_folder("dmis-lab/biobert")
