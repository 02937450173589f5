from pathlib import Path

import pytest

from spacy_biobert.annotation.recipe import describe_inputs, differences, make_recipe
from spacy_biobert.converters.faults import SourceError


def recipe(folder: Path, *names: str, **settings: object) -> dict[str, object]:
    inputs = describe_inputs((folder / name, "text") for name in names)
    return make_recipe(inputs, {"model_name": "en_x"}, settings)


def test_differences_are_named(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)
    before = recipe(tmp_path, "a", "b", block_size=4)
    assert differences(before, recipe(tmp_path, "a", "b", block_size=4)) == ""
    assert (
        differences(before, recipe(tmp_path, "a", "b", block_size=5))
        == "block_size (4 before, 5 now)"
    )
    assert (
        differences(before, recipe(tmp_path, "a", "c", block_size=4))
        == f"{tmp_path}/c (is new), {tmp_path}/b (is gone)"
    )
    assert "order" in differences(before, recipe(tmp_path, "b", "a", block_size=4))
    (tmp_path / "b").write_text("B")  # as many bytes
    assert (
        differences(before, recipe(tmp_path, "a", "b", block_size=4))
        == f"{tmp_path}/b (has other content)"
    )


def test_an_input_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="B214.*nothing"):
        recipe(tmp_path, "nothing")
