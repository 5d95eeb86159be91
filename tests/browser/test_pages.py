"""Every kind of page, as each role meets it, in a real browser: quiet, whole, readable by all, light on the wire."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from tests.browser import chromium as kit
from tests.conftest import Browser
from tests.crawl import crawl
from tests.server import Server

PAGES_PER_KIND = {"organiser": 2, "deputy": 2}
MAIN_PAGES = (
    "/",
    "/hearings/",
    "/hearings/calendar",
    "/hearings/{ninth}",
    "/hearings/{tonight}/session",
    "/issues/",
    "/issues/{issue}",
    "/commitments/",
    "/look-backs/",
)
WIDE_PAGES = (
    "/hearings/{tonight}/ballots",
    "/hearings/{ninth}/participants",
    "/hearings/{ninth}/topics",
    "/hearings/{over}/assign",
    "/hearings/{ninth}/minutes",
    "/look-backs/{look_back}",
    "/look-backs/new",
    "/confirmations/?state=answered",
    "/topics/",
    "/stations/",
    "/hearings/new",
)
FIRST_LOAD = 350 * 1024
AXE = {"resultTypes": ["violations"]}

TOO_WIDE = """() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  return Array.from(document.querySelectorAll("main *"))
    .filter((e) => e.getBoundingClientRect().right > page.clientWidth + 1)
    .map((e) => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}`).slice(0, 5)
    .concat([`page ${page.scrollWidth} > ${page.clientWidth}`]);
}"""

TOO_LOW = """() => Array.from(document.querySelectorAll(
    ".btn, .bottom-bar a, .menu > summary, .form-control, .form-select, .tabs a, .card-title a, .tasks li"))
  .filter((e) => e.offsetParent && e.getBoundingClientRect().height < 43.5 && !e.classList.contains("visually-hidden"))
  .map((e) => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 20)} ${e.getBoundingClientRect().height}`)"""

BROKEN = """() => Promise.all(Array.from(document.images).map(async (image) => {
  image.loading = "eager";
  try { await image.decode(); return ""; } catch { return `broken picture ${image.src}`; }
})).then((said) => said.filter(Boolean))"""

TRANSFERRED = """() => performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
  .reduce((sum, entry) => sum + entry.transferSize, 0)"""


def pages_of(app: Flask, user: Any, login: str) -> list[str]:
    """Addresses of every kind of HTML page that this person's links lead to."""
    found = crawl(app, Browser(app, user), per_endpoint=PAGES_PER_KIND.get(login, 1))
    return [page.path for page in found if page.text and page.status == 200]


def serious(page: Page) -> Iterator[str]:
    """What axe finds that keeps somebody out."""
    for violation in Axe().run(page, options=AXE).response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            for node in violation["nodes"]:
                yield f"axe {violation['id']} {node['target']} {node['html'][:120]} {node['failureSummary'][:200]}"


@pytest.mark.parametrize("login", ["organiser", "deputy", "department", "leader", "admin", "auditor"])
def test_every_kind_of_page(
    login: str, office: tuple[Flask, dict[str, Any]], chromium: Chromium, house: Server, signed_in: Any
) -> None:
    app, users = office
    profile = kit.context(chromium, house.base, storage_state=signed_in(login))
    page = profile.new_page()
    trouble = kit.Trouble(page)
    faults: dict[str, list[str]] = {}
    paths = pages_of(app, users[login], login)
    assert len(paths) >= 12
    for path in paths:
        page.set_viewport_size(kit.DESK)
        answer = page.goto(path)
        found = [] if answer is not None and answer.status == 200 else [f"answered {answer and answer.status}"]
        found += trouble.take()
        found += [f"desk: {words}" for words in page.evaluate(TOO_WIDE)]
        found += page.evaluate(BROKEN)
        found += serious(page)
        page.set_viewport_size(kit.PHONE)
        found += [f"phone: {words}" for words in page.evaluate(TOO_WIDE)]
        found += [f"phone, low: {words}" for words in page.evaluate(TOO_LOW)]
        if found:
            faults[path] = found
    profile.close()
    assert faults == {}


@pytest.mark.parametrize("login", ["organiser", "deputy"])
def test_dark_and_between_phone_and_desk(
    login: str, chromium: Chromium, house: Server, known: dict[str, int], signed_in: Any
) -> None:
    profile = kit.context(
        chromium, house.base, storage_state=signed_in(login), viewport=kit.TABLET, color_scheme="dark"
    )
    page = profile.new_page()
    faults: dict[str, list[str]] = {}
    for path in (path.format(**known) for path in MAIN_PAGES):
        page.goto(path)
        found = [*page.evaluate(TOO_WIDE), *serious(page)]
        if found:
            faults[path] = found
    profile.close()
    assert faults == {}


WIDTHS = (320, 360, 600, 767, 768, 900, 1023, 1024, 1280)


def test_no_width_needs_scrolling_sideways(
    chromium: Chromium, house: Server, known: dict[str, int], signed_in: Any
) -> None:
    """Also 320 px: a desk's page enlarged to 400 % (WCAG 1.4.10)."""
    profile = kit.context(chromium, house.base, storage_state=signed_in("organiser"))
    page = profile.new_page()
    faults: dict[tuple[str, int], list[str]] = {}
    for path in (path.format(**known) for path in (*MAIN_PAGES, *WIDE_PAGES)):
        page.goto(path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            found = page.evaluate(TOO_WIDE)
            if found:
                faults[path, width] = found
    profile.close()
    assert faults == {}


def test_first_load_over_the_wire(chromium: Chromium, house: Server, known: dict[str, int], signed_in: Any) -> None:
    weights = {}
    for path in (path.format(**known) for path in MAIN_PAGES):
        profile = kit.context(chromium, house.base, storage_state=signed_in("organiser"))  # with nothing in its cache
        page = profile.new_page()
        page.goto(path, wait_until="networkidle")
        weights[path] = page.evaluate(TRANSFERRED)
        profile.close()
    assert {path: weight for path, weight in weights.items() if not 5_000 < weight <= FIRST_LOAD} == {}


def test_pages_for_those_who_lost_their_way(chromium: Chromium, house: Server, signed_in: Any) -> None:
    profile = kit.context(chromium, house.base, storage_state=signed_in("department"))
    page = profile.new_page()
    for path, status in (("/hearings/99999", 404), ("/people/", 403)):
        answer = page.goto(path)
        assert answer is not None and answer.status == status
        assert [*serious(page), *page.evaluate(TOO_WIDE)] == []
        assert page.locator("h1").count() == 1
    profile.close()


def test_an_empty_house_says_what_to_do(chromium: Chromium, empty_house: Server) -> None:
    """The first day: every list says in a sentence how it will fill."""
    for login in ("organiser", "deputy", "department", "leader"):
        profile = kit.context(chromium, empty_house.base, viewport=kit.PHONE)
        page = profile.new_page()
        trouble = kit.Trouble(page)
        kit.sign_in(page, login)
        for path in ("/", "/hearings/", "/issues/", "/commitments/", "/look-backs/", "/search"):
            page.goto(path)
            assert [*trouble.take(), *page.evaluate(TOO_WIDE), *serious(page)] == [], (login, path)
            if path != "/search":
                assert page.locator("main").locator(".empty, .empty-line, p").first.inner_text().strip(), (login, path)
        profile.close()
