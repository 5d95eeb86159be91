"""Chromium as the tests and the README's pictures use it: started once, one context a person."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests import factories

DESK = {"width": 1440, "height": 900}
TABLET = {"width": 768, "height": 1024}
PHONE = {"width": 390, "height": 844}
ROLES = ("organiser", "street", "deputy", "department", "leader", "admin", "auditor")

PATIENCE = 20_000
"""Milliseconds that a busy machine may take for one thing."""

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--lang=zh-CN",
]

LISTEN = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


def executable() -> str | None:
    """Where Chromium is, or None."""
    return os.environ.get("HEARINGS_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable(), args=SWITCHES)
        try:
            yield running
        finally:
            running.close()


def context(running: Browser, base: str, **details: Any) -> BrowserContext:
    """A profile of its own, in Chinese, on a desk unless `viewport` says otherwise."""
    details = {"viewport": DESK, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"} | details
    made = running.new_context(base_url=base, **details)
    made.set_default_timeout(PATIENCE)
    made.add_init_script(LISTEN)
    return made


def sign_in(page: Page, login: str, password: str = factories.PASSWORD) -> None:
    """As a person does it, on the page of the sign-in."""
    if "/login" not in page.url:
        page.goto("/login")
    page.fill("input[name=username]", login)
    page.fill("input[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_load_state()


class Trouble:
    """What a page complained about: console errors, uncaught exceptions, refused policies, failed loads."""

    def __init__(self, page: Page):
        self.said: list[str] = []
        page.on("console", lambda m: self.said.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: self.said.append(str(e)))
        page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # somebody went on before the page had come
            self.said.append(f"failed: {request.url} {request.failure}")

    def take(self) -> list[str]:
        said, self.said = self.said, []
        return said
