"""The page as a person has it, in a real browser."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spacy_biobert.viewing.page import write_page

from .documents import DOCUMENTS, PLAIN

pytestmark = pytest.mark.browser
Opener = Callable[..., Any]
# What a text, or a colour in rgb(), has behind it, and the contrast by WCAG 2.2.
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const read = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.closest("script")) continue;
    let behind = element;
    while (behind && read(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const background = read(getComputedStyle(behind ?? document.body).backgroundColor);
    const colour = read(getComputedStyle(element).color);
    const [low, high] = [luminance(background), luminance(colour)].sort((a, b) => a - b);
    found.push([text.slice(0, 40), (high + 0.05) / (low + 0.05), background[3], colour[3]]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, documents in (("all", DOCUMENTS), ("plain", [PLAIN])):
        page = write_page(documents, title="A title <b>", told=["A sentence."])
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture
def opened(chromium: Any, files: dict[str, Path]) -> Iterator[Opener]:
    """Opens a page; afterwards it has said nothing and asked for nothing."""
    said: list[str] = []
    contexts = []

    def open_page(name: str, width: int = 1280, **options: Any) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            **{"color_scheme": "light", "reduced_motion": "reduce", **options},
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(files[name].as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    allowed = {path.as_uri() for path in files.values()} | {"data:,"}
    assert not [entry for entry in said if entry not in allowed]


def lit(page: Any) -> dict[str, set[str]]:
    """The ids of what is highlighted, by how."""
    found: dict[str, set[str]] = {}
    for how, name in page.eval_on_selector_all(
        "mark[data-lit]", "all => all.map((m) => [m.dataset.lit, m.dataset.m])"
    ):
        found.setdefault(how, set()).add(name)
    return found


def until(page: Any, condition: str) -> None:
    """Wait until something holds; playwright's own way is what the page forbids."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never: {condition}")


def focused(page: Any) -> str:
    """What has the focus: its id, or its label or text, or its element's name."""
    return page.evaluate(
        "() => { const e = document.activeElement; return e.id || e.ariaLabel"
        " || e.textContent.trim().replace(/\\s+/g, ' ') || e.tagName }"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_all_visible_text_is_readable(opened: Opener, width: int, scheme: str) -> None:
    page = opened("all", width, color_scheme=scheme)
    # Everything that is folded is unfolded, one label is off, one mention has a card.
    page.evaluate(
        "for (const fold of document.querySelectorAll('details')) fold.open = true"
    )
    page.locator(".legend .marked [data-l]").last.click()
    page.locator("#d1m0").focus()
    found = page.evaluate(CONTRASTS)
    texts = {text for text, *_ in found}
    assert {"A title <b>", "Aspirin", "Chemical", "0.97", "confidence 0.95"} <= texts
    assert not [entry for entry in found if entry[1] < 4.5 or entry[2:] != [255, 255]]


def test_dark_page_is_dark_and_the_switch_turns_it(opened: Opener) -> None:
    shade = "() => getComputedStyle(document.body).backgroundColor"
    page = opened("plain", color_scheme="dark")
    dark = page.evaluate(shade)
    page.get_by_role("button", name="Light").click()
    light = page.evaluate(shade)
    assert (dark, light) == ("rgb(22, 24, 27)", "rgb(255, 255, 255)")
    assert not [entry for entry in page.evaluate(CONTRASTS) if entry[1] < 4.5]
    page.get_by_role("button", name="Auto").click()
    assert page.evaluate(shade) == dark
    pressed = page.locator(".theme [aria-pressed=true]")
    assert pressed.all_text_contents() == ["Auto"]


@pytest.mark.parametrize("width", [320, 375, 800, 1280])
def test_nothing_scrolls_sideways(opened: Opener, width: int) -> None:
    page = opened("all", width)
    page.evaluate(
        "for (const fold of document.querySelectorAll('details')) fold.open = true;"
        "for (const a of document.querySelectorAll('article')) a.style.contentVisibility = 'visible'"
    )
    page.locator("#d8m0").focus()
    found = page.evaluate(
        "() => [document.documentElement.scrollWidth, innerWidth,"
        " ...[...document.querySelectorAll('main *, #card')].filter((e) =>"
        " e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 90))]"
    )
    assert found == [width, width]


def test_tab_reaches_every_control_and_every_relation_and_shows_it(
    opened: Opener,
) -> None:
    page = opened("plain")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        reached.append(focused(page))
        outline = page.evaluate(
            "() => { const s = getComputedStyle(document.activeElement);"
            " return s.outlineStyle + ' ' + parseFloat(s.outlineWidth) }"
        )
        assert re.match(r"(solid|dashed|auto) [1-9]", outline), reached[-1]
    assert reached == [
        *("Skip to the documents", "Auto", "Light", "Dark"),
        *("Labels and filters", "Entities", "Chemical 2", "Disease 2"),
        *("Show all: Entities", "Show none: Entities"),
        *("Spans “sc”", "finding 1", "phrase 1"),
        *("Show all: Spans “sc”", "Show none: Spans “sc”"),
        *("Relations", "causes 3", "treats 1"),
        *("Show all: Relations", "Show none: Relations", "Topics"),
        *("least", "labels", "Documents", "search"),
        "plain Aspirin and ulcers. Aspirin caused peptic ulcers in 3 of 40 patients.",
        # The text is one stop; then both ends of each relation.
        *("d1m0", "Aspirin", "Aspirin", "peptic ulcers", "Aspirin", "ulcers"),
        *("Aspirin", "ulcers", "More topics below 0.10: 1"),
    ]


def test_skip_link_goes_to_the_documents(opened: Opener) -> None:
    page = opened("plain")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == "d1m0"


def test_label_filter_hides_and_shows_its_mentions(opened: Opener) -> None:
    page = opened("plain")
    mark, button = page.locator("#d1m1"), page.get_by_role("button", name="Disease")
    shown = page.evaluate("() => getComputedStyle(d1m1).backgroundColor")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert page.evaluate("() => getComputedStyle(d1m1).backgroundColor") != shown
    # The text stays, its label goes, and so do relations that lost an end.
    assert mark.inner_text() == "ulcers"
    assert page.locator("tr[data-p]:visible").all_text_contents() == [
        "Aspirin D1treatsD9 not in the text–"
    ]
    assert page.locator(".legend").inner_text().count("0 of 3") == 1
    assert page.locator("h3 span").inner_text() == "1 of 4"
    button.click()
    assert "DISEASE" in mark.inner_text()
    assert page.locator("tr[data-p]:visible").count() == 4
    assert page.locator("h3 span").inner_text() == "4"


def test_none_and_all_press_a_whole_group(opened: Opener) -> None:
    page = opened("plain")
    page.get_by_role("button", name="Show none: Relations").click()
    # Without rows there is no section left to show.
    assert page.locator("h3:visible").all_text_contents() == ["Topics"]
    page.get_by_role("button", name="Show all: Relations").click()
    assert page.locator("tr[data-p]:visible").count() == 4
    assert page.locator("mark[data-off]").count() == 0


def test_topic_filter_hides_its_bars(opened: Opener) -> None:
    page = opened("plain")
    page.locator(".legend summary", has_text="Topics").click()
    bar = page.locator(".topics li", has_text="adverse effects")
    assert bar.is_visible()
    page.get_by_role("button", name="adverse effects").click()
    assert not bar.is_visible()


def test_confidence_filter_hides_what_is_less_sure(opened: Opener) -> None:
    page = opened("plain")
    page.locator("#least").fill("0.7")
    until(page, "document.querySelector('[data-off]')")
    hidden = page.eval_on_selector_all(
        "mark[data-off]", "all => all.map((mark) => mark.dataset.m)"
    )
    # The disease of 0.4 and the span of 0.6 go; the span that states none stays.
    assert set(hidden) == {"1", "4"}
    assert page.locator("#shown-least").inner_text() == "0.70"
    assert page.locator("tr[data-p]:visible").count() == 2
    assert "Disease 1 of 2" in page.locator(".legend").inner_text()
    page.locator("#least").fill("0")
    until(page, "!document.querySelector('[data-off]')")


@pytest.mark.parametrize("how", ["hover", "focus"])
def test_row_highlights_both_ends(opened: Opener, how: str) -> None:
    page = opened("plain")
    assert lit(page) == {}
    link = page.locator("tr[data-p]", has_text="0.97").locator("a").first
    getattr(link, how)()
    assert lit(page) == {"1": {"2"}, "2": {"3"}}
    styles = page.evaluate(
        "() => ['d1m2', 'd1m3', 'd1m0'].map((id) =>"
        " getComputedStyle(document.getElementById(id)).outlineStyle)"
    )
    assert styles == ["solid", "dashed", "none"]
    page.mouse.move(2, 2)
    page.evaluate("document.activeElement.blur()")
    until(page, "!document.querySelector('[data-lit]')")


@pytest.mark.parametrize("how", ["hover", "focus"])
def test_mention_shows_its_confidence_and_its_relations(
    opened: Opener, how: str
) -> None:
    page = opened("plain")
    card = page.locator("#card")
    assert not card.is_visible()
    getattr(page.locator("#d1m2"), how)()
    assert card.locator("p").all_inner_texts() == [
        "Chemical\nconfidence 0.70",
        "D1",
        "this → treats → D9 not in the text",
        "this → causes → peptic ulcers (0.97)",
        "this → causes → ulcers (0.80)",
    ]
    assert page.locator("#d1m2").get_attribute("aria-describedby") == "card"
    # Itself and the other ends, each by its side; and the rows.
    assert lit(page) == {"0": {"2"}, "2": {"1", "3"}}
    assert page.locator("tr[data-lit]").count() == 3
    page.keyboard.press("Escape")
    assert not card.is_visible()
    assert lit(page) == {}


def test_card_stays_under_the_pointer_and_goes_after_it(opened: Opener) -> None:
    page = opened("plain")
    page.locator("#d1m2").hover()
    page.locator("#card").hover()
    page.wait_for_timeout(300)
    assert page.locator("#card").is_visible()
    page.mouse.move(2, 2)
    page.locator("#card").wait_for(state="hidden")


def test_card_of_a_nested_mention_names_the_outer_one(opened: Opener) -> None:
    page = opened("plain")
    page.locator("#d1m4").focus()
    lines = page.locator("#card").inner_text()
    assert re.search(r"finding\s+confidence 0\.60", lines)
    assert re.search(r"inside of\s+.*Disease\s+confidence 0\.90", lines, re.DOTALL)


def test_arrows_go_from_mention_to_mention_past_hidden_ones(opened: Opener) -> None:
    page = opened("plain")
    page.locator("#d1m0").focus()
    visited = []
    for key in ("ArrowRight", "ArrowRight", "End", "ArrowRight", "Home", "ArrowLeft"):
        page.keyboard.press(key)
        visited.append(focused(page))
    assert visited == ["d1m1", "d1m2", "d1m4", "d1m4", "d1m0", "d1m0"]
    page.get_by_role("button", name="Disease").click()
    page.locator("#d1m0").focus()
    page.keyboard.press("ArrowRight")
    assert focused(page) == "d1m2"


def test_enter_goes_to_the_relations_and_a_link_back(opened: Opener) -> None:
    page = opened("plain", 375)
    page.locator("#d1m3").focus()
    page.keyboard.press("Enter")
    assert focused(page) == "Aspirin"
    assert lit(page) == {"1": {"2"}, "2": {"3"}}
    page.keyboard.press("Enter")
    until(page, "document.activeElement.id === 'd1m2'")
    assert page.evaluate("location.hash") == "#d1m2"
    assert page.locator("#card").is_visible()


def test_search_finds_documents_by_id_beginning_and_topic(opened: Opener) -> None:
    page = opened("all")
    everything = page.locator("article:visible").count()
    assert everything == len(DOCUMENTS)
    for wanted, n in (("BARE", 1), ("aspirin and", 1), ("adverse eff", 1), ("nope", 0)):
        page.locator("#search").fill(wanted)
        assert page.locator("nav li:visible").count() == n
        assert page.locator("article:visible").count() == n
        assert page.locator("#found").inner_text() == f"{n} of {everything}"
    page.locator("#search").fill("")
    assert page.locator("article:visible").count() == everything


def test_documents_are_jumped_to(opened: Opener) -> None:
    page = opened("all")
    page.locator("nav a").last.click()
    until(
        page,
        "() => { const at = document.querySelector('article:last-child').getBoundingClientRect();"
        " return at.top >= 0 && at.top < innerHeight }",
    )


def test_labels_in_the_text_can_be_switched_off(opened: Opener) -> None:
    page = opened("plain")
    button = page.get_by_role("button", name="Labels in the text")
    assert page.locator("mark b:visible").count() == 6
    button.click()
    assert page.locator("mark b:visible").count() == 0
    assert button.get_attribute("aria-pressed") == "false"


def test_narrow_page_begins_with_the_text(opened: Opener) -> None:
    narrow, wide = opened("plain", 375), opened("plain", 1280)
    top = "document.querySelector('article').getBoundingClientRect().top < 400"
    assert narrow.evaluate(top)
    assert wide.locator(".fold[open]").count() == 2


def test_motion_is_left_out_where_it_is_not_wanted(opened: Opener) -> None:
    still = opened("plain")
    moving = opened("plain", reduced_motion="no-preference")
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert (still.evaluate(behaviour), moving.evaluate(behaviour)) == ("auto", "smooth")


def test_page_can_be_read_without_its_script(opened: Opener) -> None:
    page = opened("plain", java_script_enabled=False)
    assert page.locator("mark:visible").count() == 7
    assert page.locator("tr[data-p]:visible").count() == 4
    assert not page.locator("#search").is_visible()
    assert not page.locator(".theme").is_visible()
