import os
from pathlib import Path

import pytest

from spacy_biobert.atomic import whole_file, whole_folder


def test_whole_file_keeps_the_old_file_if_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half() -> None:
        with whole_file(path) as unfinished:
            unfinished.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_whole_file_replaces_the_old_file_and_makes_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    for text in ("one", "two"):
        with whole_file(path) as unfinished:
            unfinished.write_text(text)

    assert path.read_text() == "two"
    assert list(path.parent.iterdir()) == [path]


def test_whole_folder_keeps_the_old_folder_if_filling_fails(tmp_path: Path) -> None:
    path = tmp_path / "store"
    path.mkdir()
    (path / "a").write_text("old")

    def fill_half() -> None:
        with whole_folder(path) as unfinished:
            (unfinished / "a").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fill_half()

    assert (path / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_whole_folder_replaces_the_old_folder_whole(tmp_path: Path) -> None:
    path = tmp_path / "store"
    for name in ("a", "b"):
        with whole_folder(path) as unfinished:
            (unfinished / name).write_text(name)

    assert [file.name for file in path.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    path = tmp_path / "file" / "a.txt"

    with pytest.raises(OSError, match=r"\[B008\] .*file/a.txt: cannot be written"):
        whole_file(path).__enter__()
    with pytest.raises(OSError, match=r"\[B008\] .*file/a.txt: cannot be written"):
        whole_folder(path).__enter__()


def test_files_of_a_whole_folder_are_readable_by_all_that_may_read_it(
    tmp_path: Path,
) -> None:
    old = os.umask(0o022)
    try:
        with whole_folder(tmp_path / "folder") as unfinished:
            (unfinished / "a").touch(mode=0o600)
    finally:
        os.umask(old)

    assert (tmp_path / "folder" / "a").stat().st_mode & 0o777 == 0o644


def test_whole_folder_takes_the_place_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "store"
    path.write_text("a file")
    with whole_folder(path) as unfinished:
        (unfinished / "a").write_text("a")

    assert [file.name for file in path.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [path]
