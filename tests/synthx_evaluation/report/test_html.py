from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from synthx_evaluation.report.assemble import assemble
from synthx_evaluation.report.brief import Brief
from synthx_evaluation.report.criteria.rules import load_pack
from synthx_evaluation.report.pages.html import EMBEDDED_ID, to_html
from synthx_evaluation.report.record import Report
from synthx_evaluation.report.sealing.canonical import canonical
from synthx_evaluation.scorecard import Scorecard

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
HOSTILE = '<script>alert("x")</script>'
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
AXE = Path(os.environ.get("AXE_CORE", "node_modules/axe-core")) / "axe.min.js"


class Text(HTMLParser):
    """Gathers what is read, headings, and the embedded record apart."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.record = ""
        self.headings: list[int] = []
        self.outside: list[str] = []
        self._skip = self._record = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._skip, self._record = tag in ("style", "script"), values.get("id") == EMBEDDED_ID
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.outside += [str(v) for k, v in attrs if k == "src" or (k == "href" and tag == "link")]
        self.seen += [str(v) for k, v in attrs if k in ("aria-label", "title", "data-label") and v]

    def handle_endtag(self, tag: str) -> None:
        self._skip = self._record = False

    def handle_data(self, data: str) -> None:
        if self._record:
            self.record += data
        elif not self._skip:
            self.seen.append(data)


def numbers(text: str) -> set[str]:
    """Return the numbers of a text, hashes left out, in one spelling."""
    text = re.sub(r"\b[0-9a-f]{32,}\b", " ", text)
    return {format(float(found.replace(",", "").rstrip(".")), "g") for found in NUMBER.findall(text)}


@pytest.fixture
def report(card: Scorecard, brief: Brief) -> Report:
    return assemble(card, brief=brief, packs=[load_pack("gdpr"), load_pack("hipaa")], command="synthx report --seed 7")


@pytest.fixture
def page(report: Report) -> str:
    return to_html(report)


def read(page: str) -> Text:
    text = Text()
    text.feed(page)
    return text


def test_every_number_of_the_page_stands_in_the_json(report: Report, page: str) -> None:
    stray = numbers(" ".join(read(page).seen)) - numbers(canonical(report.model_dump(mode="json")).decode()) - {"256"}
    assert stray == set()  # 256: of SHA-256, the name of the digest


def test_a_number_that_the_json_lacks_is_found(report: Report, page: str) -> None:
    altered = page.replace("</main>", "<p>98.76543</p></main>")
    stray = numbers(" ".join(read(altered).seen)) - numbers(canonical(report.model_dump(mode="json")).decode())
    assert "98.7654" in stray


def test_the_embedded_record_is_the_report(report: Report, page: str) -> None:
    assert Report.model_validate(json.loads(read(page).record)) == report


def test_the_same_record_gives_the_same_page(report: Report, page: str) -> None:
    assert to_html(report) == page
    assert len(page) < 3_000_000


def test_a_column_named_like_a_tag_is_harmless(card: Scorecard) -> None:
    columns = {**card.context["columns"], HOSTILE: "integer"}
    hostile = dataclasses.replace(card, context={**card.context, "columns": columns, "target": HOSTILE})
    page = to_html(assemble(hostile, brief=Brief(title=HOSTILE, owner="</style>" + HOSTILE)))
    assert "<script>alert" not in page
    assert page.count("<script") == 1  # the record
    assert page.count("</style>") == 1
    assert "&lt;script&gt;alert" in page


def test_an_address_of_another_scheme_is_no_link(report: Report) -> None:
    findings = tuple(one.model_copy(update={"pack_source": "javascript:alert(1)"}) for one in report.findings)
    assert 'href="javascript' not in to_html(report.model_copy(update={"findings": findings}))


def test_headings_descend_one_at_a_time_and_nothing_is_loaded(page: str) -> None:
    text = read(page)
    assert text.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip([0, *text.headings], text.headings, strict=False))
    assert set(text.outside) == {"data:,"}
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_the_short_form_has_no_parts_that_people_fill_in(card: Scorecard) -> None:
    page = to_html(assemble(card, short=True))
    assert 'id="controls"' not in page
    assert 'id="summary"' in page


# -- in a browser -----------------------------------------------------------------------------------------------------


def browse(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    common = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={path.parent / 'profile'}"]
    command = [CHROMIUM, *common, *options, path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_renders_without_a_console_message(page: str, tmp_path: Path, width: int) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    shot = tmp_path / "shot.png"
    done = browse(path, "--enable-logging=stderr", f"--window-size={width},900", f"--screenshot={shot}")
    assert "CONSOLE" not in done.stderr
    assert shot.stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None or not AXE.is_file(), reason="needs Chromium, and axe-core (npm) at AXE_CORE")
def test_the_page_passes_the_accessibility_checks(page: str, tmp_path: Path) -> None:
    check = AXE.read_text(encoding="utf-8")
    run = "axe.run().then(r => document.body.dataset.axe = 'found:' + r.violations.map(v => v.id).join() + ';')"
    path = tmp_path / "report.html"
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)  # it forbids the check's script too
    path.write_text(bare.replace("</body>", f"<script>{check}</script><script>{run}</script></body>"), encoding="utf-8")
    done = browse(path, "--dump-dom", "--virtual-time-budget=30000")
    assert re.findall('data-axe="found:([^"]*);"', done.stdout) == [""]
