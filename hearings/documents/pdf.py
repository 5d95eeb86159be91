"""Papers as PDF: a template and a dict in, bytes out. Rendering happens in children, never in this process."""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from flask_babel import lazy_gettext
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from . import child, fonts, qr, text

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "hearings" / "static"
CHILDREN = 2
"""Papers that render at the same time in one web process; the others wait in line."""
PAPERS_PER_CHILD = 60
"""A child rests at about 60 MB and grows with use; it is replaced before that matters."""
SECONDS = 120
"""The longest a paper may wait for a child, and the longest it may then take."""


class RenderFailed(RuntimeError):
    """A paper could not be made; nothing was changed. The message is a sentence for the person who asked."""


_BUSY = lazy_gettext("Many papers are being made at the moment. Nothing was changed; try again in a minute.")
_FAILED = lazy_gettext(
    "The paper could not be made. Nothing was changed; try again, and tell the administrator if it happens twice."
)
_INCOMPLETE = lazy_gettext("The libraries that print papers are missing on this machine. Run `make env`.")
_LATE = lazy_gettext("The paper took too long and was stopped. Nothing was changed; shorten it or split it in two.")


class Associated(NamedTuple):
    """A file embedded in a paper and bound to it (PDF/A-3): the same in a form that machines read."""

    name: str
    media_type: str
    data: bytes
    description: str
    relationship: str = "Data"
    """AFRelationship, ISO 32000-2 7.11.3: Data, Source, Alternative, Supplement or Unspecified."""


class Job(NamedTuple):
    """One paper to render: see `render` for the four."""

    template: str
    content: Mapping[str, Any]
    files: Mapping[str, bytes] = {}
    associated: Sequence[Associated] = ()


def render(
    template: str,
    content: Mapping[str, Any],
    *,
    files: Mapping[str, bytes] | None = None,
    fonts_dir: Path | None = None,
    associated: Sequence[Associated] = (),
) -> bytes:
    """Return one paper as PDF/A-3a, laid out by GB/T 9704-2012 (`minutes`: its 10.3 纪要格式).

    In: the template's name (`minutes`, `paper`), the composed dict (JSON-able; all text final; see the head of
    the template for its keys), the pictures it names by `attachment:<sha256>`, where dropped-in typefaces lie
    (default instance/fonts), and files to embed. Out: the PDF, the same bytes for the same content, files and
    typefaces.
    Raises RenderFailed, whose message says in a sentence what to do, when every child stays busy for 120 seconds,
    the paper takes longer than that, the child dies, or the machine has no Chinese typeface.
    """
    return _pool(fonts_dir).print(to_html(template, content, _fontset(fonts_dir)), files or {}, associated)


def render_many(jobs: Iterable[Job], *, fonts_dir: Path | None = None) -> Iterator[bytes]:
    """Render a batch, two at a time in children that stay warm; yield the PDFs in the order of `jobs`.

    `jobs` is read lazily, a few ahead. Raises RenderFailed at the paper that failed.
    """
    fontset = _fontset(fonts_dir)
    pool = _pool(fonts_dir)
    with ThreadPoolExecutor(CHILDREN) as threads:
        running: deque[Future[bytes]] = deque()
        for job in jobs:
            html = to_html(job.template, job.content, fontset)
            running.append(threads.submit(pool.print, html, job.files, job.associated))
            if len(running) > CHILDREN:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def render_volumes(template: str, volumes: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Render a paper too long for one file in volumes, one after the other: page numbers go on from each to the next.

    In: the dicts, read lazily; their template has to heed `first_page` (official.css does). Raises RenderFailed.
    """
    first = 1
    for content in volumes:
        html = to_html(template, {**content, "first_page": first}, _fontset(None))
        pdf, pages = _pool(None).printed(html, {})
        first += pages
        yield pdf


def to_html(template: str, content: Mapping[str, Any], fontset: fonts.FontSet) -> str:
    """Return the HTML the child will lay out. Every string of `content` is cleaned and escaped."""
    return _environment.get_template(f"{template}.html").render(
        paper=text.clean_all(dict(content)), fonts=fontset.families, covered=fontset.covered, shift=fontset.shift
    )


_environment = Environment(
    loader=FileSystemLoader(ROOT / "templates" / "documents"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@pass_context
def _run(context: Context, words: object) -> Markup:
    return text.run(words, context["covered"])


_environment.filters.update(run=_run, lines_needed=text.lines_needed)
_environment.globals.update(qr=qr.svg)
_environment.globals.update(
    {
        name: getattr(text, name)
        for name in (
            "centred",
            "column_shares",
            "fills_a_page",
            "head_gap",
            "lines_needed",
            "lists",
            "mark_lines",
            "title_lines",
        )
    }
)


class _Child:
    """One running child process and how many papers it may still print."""

    def __init__(self, fontset: fonts.FontSet) -> None:
        inherited = "PATH HOME TMPDIR LD_LIBRARY_PATH DYLD_LIBRARY_PATH PYTHONPATH VIRTUAL_ENV"
        environment = {name: os.environ[name] for name in inherited.split() if name in os.environ}
        environment |= {"FONTCONFIG_FILE": str(fontset.config), "LC_ALL": "C.UTF-8"}
        self.fonts = fontset.digest
        self.left = PAPERS_PER_CHILD
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(Path(child.__file__)), str(PAPERS_PER_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    def usable(self, fontset: fonts.FontSet) -> bool:
        return self.left > 0 and self.fonts == fontset.digest and self.process.poll() is None

    def ask(
        self, html: str, files: Mapping[str, bytes], associated: Sequence[Associated] = ()
    ) -> tuple[dict[str, Any], bytes] | None:
        """Return the reply and the PDF, or None when the child ended without one (crash, time limit)."""
        self.left -= 1
        assert self.process.stdin
        assert self.process.stdout
        described = [{k: v for k, v in each._asdict().items() if k != "data"} for each in associated]
        job = {"html": html, "static": str(STATIC), "files": list(files), "associated": described}
        try:
            child.write(self.process.stdin, json.dumps(job).encode())
            for body in [*files.values(), *(each.data for each in associated)]:
                child.write(self.process.stdin, body)
            answer = child.read(self.process.stdout)
            if answer is None:
                return None
            reply = json.loads(answer)
            pdf = child.read(self.process.stdout) if reply["ok"] else b""
        except (OSError, ValueError, KeyError):
            return None
        return None if pdf is None else (reply, pdf)

    def ended_by_itself(self) -> bool:
        """Say whether the child ended in peace (idle, or its number done) just before it was asked."""
        try:
            return self.process.wait(timeout=5) == 0
        except subprocess.TimeoutExpired:
            return False

    def end(self) -> None:
        """Stop the child, whatever it does."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()


class _Pool:
    """At most CHILDREN children; a thread that wants one waits its turn."""

    def __init__(self, fontset: fonts.FontSet) -> None:
        self.fontset = fontset
        self.stamp = 0
        self.slots: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(CHILDREN):
            self.slots.put(None)

    def print(self, html: str, files: Mapping[str, bytes], associated: Sequence[Associated] = ()) -> bytes:
        return self.printed(html, files, associated)[0]

    def printed(
        self, html: str, files: Mapping[str, bytes], associated: Sequence[Associated] = ()
    ) -> tuple[bytes, int]:
        """The PDF and how many pages it has."""
        try:
            held = self.slots.get(timeout=SECONDS)
        except queue.Empty:
            raise RenderFailed(_BUSY) from None
        try:
            if held is None or not held.usable(self.fontset):
                held = self._renew(held)
            outcome, late = self._ask(held, html, files, associated)
            if outcome is None and not late and held.ended_by_itself():
                held = self._renew(held)
                outcome, late = self._ask(held, html, files, associated)
            if outcome is None:
                raise RenderFailed(_LATE if late else _FAILED)
        except BaseException:
            if held is not None:
                held.end()
                held = None
            raise
        finally:
            self.slots.put(held)
        reply, pdf = outcome
        if not reply["ok"]:
            log.error("rendering failed: %s", reply["error"])
            raise RenderFailed(_INCOMPLETE if reply.get("incomplete") else _FAILED)
        for warning in reply["warnings"]:
            log.warning("rendering: %s", warning)
        return pdf, reply["pages"]

    def _renew(self, held: _Child | None) -> _Child:
        if held is not None:
            held.end()
        return _Child(self.fontset)

    @staticmethod
    def _ask(
        held: _Child, html: str, files: Mapping[str, bytes], associated: Sequence[Associated]
    ) -> tuple[tuple[dict[str, Any], bytes] | None, bool]:
        begun = time.monotonic()
        timer = threading.Timer(SECONDS, held.process.kill)
        timer.daemon = True
        timer.start()
        try:
            outcome = held.ask(html, files, associated)
        finally:
            timer.cancel()
        return outcome, outcome is None and time.monotonic() - begun >= SECONDS

    def close(self) -> None:
        while True:
            try:
                held = self.slots.get_nowait()
            except queue.Empty:
                return
            if held is not None:
                held.end()


_pools: dict[Path, _Pool] = {}
_lock = threading.Lock()


def _fontset(fonts_dir: Path | None) -> fonts.FontSet:
    return _pool(fonts_dir).fontset


def _pool(fonts_dir: Path | None) -> _Pool:
    """Return this process's pool, made on first use: never inherited from a preloading master."""
    directory = fonts_dir or fonts.FONTS_DIR
    with _lock:
        pool = _pools.get(directory)
        if pool is None or pool.stamp != _stamp(directory):  # typefaces were fetched or dropped in meanwhile
            try:
                fontset = fonts.prepare(directory)
            except fonts.FontsMissing as problem:
                raise RenderFailed(str(problem)) from problem
            for service in fontset.services:
                if service.warning:
                    log.warning("%s", service.warning)
            if pool is None:
                pool = _pools[directory] = _Pool(fontset)
            pool.fontset, pool.stamp = fontset, _stamp(directory)
        return pool


def _stamp(directory: Path) -> int:
    return directory.stat().st_mtime_ns if directory.exists() else 0


def close() -> None:
    """End this process's children."""
    with _lock:
        while _pools:
            _pools.popitem()[1].close()


def _forget() -> None:
    global _lock
    _lock = threading.Lock()
    _pools.clear()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
