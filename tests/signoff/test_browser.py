"""The pages of a suite and of a sign-off in a real browser, on a phone and on a desk, in light and in dark."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.cli import results
from harness.signoff import assemble, bundle
from harness.signoff.assemble import NO_WAIVERS, Wanted
from tests.report.chromium import PROGRAM, tab
from tests.signoff.stories import LOST, one, played

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no chromium and no google-chrome here: no page was looked at")


def test_the_pages_fit_a_phone_and_a_desk_and_ask_for_nothing(tmp_path: Path) -> None:
    plays = (one(), one(repeats=2, NODE_COUNT="3", BALANCE="leastconn"), one("kill", skip="word " * 30 + "x" * 90))
    path, _ = played(tmp_path / "runs", *plays, script={"partition": LOST}, kept=True)
    wanted = Wanted("v1", datetime(2026, 11, 21, tzinfo=UTC), tmp_path / "runs", path, NO_WAIVERS, None)
    assemble.assemble(wanted, tmp_path / "v1.tar.gz", results.load, lambda _: [])
    bundle.unpack(tmp_path / "v1.tar.gz", tmp_path / "into", None)
    with tab() as browser:
        for page in (path / "index.html", tmp_path / "into" / "SIGNOFF.html"):
            for width, dark in ((390, True), (1280, False)):
                browser.open(page, width, dark=dark)
                assert browser.value("document.documentElement.scrollWidth") <= width
                assert browser.value("getComputedStyle(document.querySelector('h1')).fontWeight") == "500"  # styled
        assert browser.errors == []
