"""The pages in a real browser: what no reading of the text can show."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.report.chromium import PROGRAM, Tab, tab
from tests.report.recordings import FAULT
from tests.report.test_html import evil_page, page
from tests.report.verdicts import INCONCLUSIVE, VIOLATED

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="no chromium and no google-chrome here: no page was looked at"),
    pytest.mark.timeout(120),
]
PHONE, DESK = 390, 1280
WIDTHS = pytest.mark.parametrize("width", [PHONE, DESK])
# Whatever reaches beyond the right edge, whether or not something hides it.
BEYOND = """[...document.querySelectorAll('main *')]
    .filter((e) => !e.closest('thead') && e.getBoundingClientRect().right > innerWidth + 0.5)
    .map((e) => `${e.tagName} ${e.className.baseVal ?? e.className} ${e.textContent.slice(0, 30)}`)"""
BOXES = """[...document.querySelectorAll('.steps text')]
    .map((e) => e.getBoundingClientRect()).map((b) => [b.left, b.top, b.right, b.bottom])"""
FOCUSED = "document.activeElement.getAttribute('href') ?? document.activeElement.id"


@pytest.fixture(scope="module")
def browser() -> Iterator[Tab]:
    with tab() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    fault = replace(FAULT, what="w" * 400, via="v" * 90, witness="x" * 3000)
    long = replace(VIOLATED, sentence="s" * 999, reasons=("r" * 999,), faults=(fault,))
    texts = {"held": page(), "violated": page(VIOLATED), "inconclusive": page(INCONCLUSIVE)}
    texts |= {"evil": evil_page(), "long": page(long)}
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text)
    return folder


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures go: kept with what else the tests leave where somebody asks for that, as CI does."""
    asked = os.environ.get("OLLAMA_TEST_ARTIFACTS_DIR")
    folder = Path(asked) / "screenshots" if asked else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@WIDTHS
@pytest.mark.parametrize(
    ("name", "dark"),
    [("held", False), ("held", True), *((name, False) for name in ("violated", "inconclusive", "evil", "long"))],
)
def test_a_report_opens_without_an_error_and_never_scrolls_sideways(
    browser: Tab, pages: Path, album: Path, name: str, width: int, dark: bool
) -> None:
    browser.errors.clear()
    browser.open(pages / f"{name}.html", width, dark=dark)
    assert browser.errors == []
    assert browser.value("innerWidth") == width
    assert browser.value("document.documentElement.scrollWidth") == width
    assert browser.value(BEYOND) == []
    picture = album / f"report-{name}-{width}-{'dark' if dark else 'light'}.png"
    browser.picture(picture)
    assert picture.stat().st_size > 20_000


@WIDTHS
def test_no_phase_of_a_recovery_covers_another(browser: Tab, pages: Path, width: int) -> None:
    browser.open(pages / "held.html", width)
    boxes = browser.value(BOXES)
    assert len(boxes) == 4
    for at, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0 and right <= width
        for other in boxes[at + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] + 1 or other[3] <= top + 1


def test_the_script_runs_and_the_picture_is_read_with_the_arrow_keys(browser: Tab, pages: Path) -> None:
    browser.open(pages / "held.html", DESK)
    assert browser.value("document.documentElement.className") == "live"
    browser.value("document.getElementById('picture').focus()")
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft"):
        browser.press(key)
    assert browser.value("document.querySelector('.said').textContent").startswith("0.50-1.00 s: 25 due")
    browser.press("End")
    assert browser.value("document.querySelector('.said').textContent").startswith("59.50-60.00 s: 25 due")


def test_every_phase_and_mark_is_reached_by_tab_and_leads_to_its_figure(browser: Tab, pages: Path) -> None:
    browser.open(pages / "held.html", PHONE)
    reached = []
    for _ in range(7):
        browser.press("Tab")
        reached.append(browser.value(FOCUSED))
    assert reached == ["picture", "#phase-1", "#phase-2", "#phase-3", "#phase-4", "#mark-1", "#mark-2"]
    browser.press("Enter")
    assert browser.value("location.hash") == "#mark-2"
    assert browser.value("document.querySelector(':target').textContent").strip().startswith("35.001 s ± 0.2 ms")


def test_on_paper_nothing_is_folded_away_and_nothing_is_cut_off(browser: Tab, pages: Path) -> None:
    browser.open(pages / "held.html", 794, media="print")  # A4 at 96 pixels an inch
    assert browser.value("document.documentElement.scrollWidth") == 794
    assert browser.value("getComputedStyle(document.getElementById('readout')).display") == "none"
    assert browser.pdf().startswith(b"%PDF")
    assert browser.value("[...document.querySelectorAll('details')].every((details) => details.open)") is True


@WIDTHS
def test_what_was_recorded_neither_runs_nor_hides_anything(browser: Tab, pages: Path, width: int) -> None:
    browser.open(pages / "evil.html", width)
    assert browser.value("document.scripts.length") == 3  # two of figures, and our own
    assert browser.value("document.images.length") == 0
    assert browser.value("getComputedStyle(document.querySelector('h1')).display") == "block"


def test_words_stand_out_from_what_is_behind_them(browser: Tab, pages: Path) -> None:
    """WCAG AA, 4.5 to 1, of the colours that carry a verdict, on the ground they stand on."""
    contrast = """(() => {
        const parts = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255);
        const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        const sum = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
        const light = (rgb) => sum(parts(rgb).map(linear));
        const ground = (e) => { for (; e; e = e.parentElement) { const b = getComputedStyle(e).backgroundColor;
            if (!b.endsWith(', 0)')) return b; } return 'rgb(255, 255, 255)'; };
        return Math.min(...[...document.querySelectorAll('.word, .outcome, .source, .hint, .about, dt, td, th, p, li')]
            .filter((e) => e.offsetWidth)
            .map((e) => [light(getComputedStyle(e).color), light(ground(e))].sort((a, b) => b - a))
            .map(([high, low]) => (high + 0.05) / (low + 0.05)));
    })()"""
    for name in ("held", "violated", "inconclusive"):
        for dark in (False, True):
            browser.open(pages / f"{name}.html", DESK, dark=dark)
            assert browser.value(contrast) >= 4.5
