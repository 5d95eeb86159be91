"""An address as a square code: inline SVG for pages and PDF, PNG for Word. The only file that knows segno."""

from __future__ import annotations

import io
from collections.abc import Iterable

import segno
from markupsafe import Markup

QUIET = 4
"""Modules of white around the code (ISO/IEC 18004)."""


def _code(url: str) -> segno.QRCode:
    """At correction level M, which survives a stamp's smudge; never a Micro QR code, which few phones read."""
    return segno.make(url, error="m", micro=False, boost_error=False)


def svg(url: str) -> Markup:
    """Return the code as inline SVG, drawn with attributes only: a page's CSP forbids style.

    In: the address, of any length a QR code holds (about 2,300 bytes). Raises ValueError when it is longer.
    It takes the size of what it stands in; dark modules are one path on white, so it prints in black.
    """
    rows = [bytes(row) for row in _code(url).matrix]
    side = len(rows) + 2 * QUIET
    path = "".join(
        f"M{x + QUIET} {y + QUIET}h{length}v1h-{length}z" for y, row in enumerate(rows) for x, length in _runs(row)
    )
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="qr" viewBox="0 0 {side} {side}" width="100%" height="100%"'
        ' shape-rendering="crispEdges" role="img" aria-label="{url}">'
        '<title>{url}</title><path fill="#fff" d="M0 0h{side}v{side}h-{side}z"/><path fill="#000" d="{path}"/></svg>'
    ).format(side=side, url=url, path=path)


def _runs(row: Iterable[int]) -> list[tuple[int, int]]:
    """Where dark modules lie side by side: (first, how many)."""
    found: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if not dark:
            continue
        if found and sum(found[-1]) == x:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((x, 1))
    return found


def png(url: str) -> bytes:
    """Return the code as PNG, eight pixels a module: sharp at 28 mm. Raises ValueError as `svg` does."""
    out = io.BytesIO()
    _code(url).save(out, kind="png", scale=8, border=QUIET)
    return out.getvalue()
