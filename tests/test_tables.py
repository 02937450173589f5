import pytest

from benchmarks.tables import PAGES, PLACE, ROOT, TABLES, fill


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_the_tables_of_the_results_as_they_are(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")

    assert PLACE.search(text)
    assert fill(text) == text, "run `python -m benchmarks.tables`"


def test_fill_puts_a_table_in_its_place_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(TABLES, "sample", lambda: "| new |")
    page = "before\n<!-- table: sample -->\n| old |\n<!-- end -->\nafter\n"

    filled = fill(page)

    assert filled == "before\n<!-- table: sample -->\n| new |\n<!-- end -->\nafter\n"
    assert fill(filled) == filled
