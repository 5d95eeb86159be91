"""The rendering child: HTML in, PDF out, over standard input and output. The only file that knows WeasyPrint.

Started by `pdf` as a plain script, never imported by the web process, and without the application's secrets in
its environment. It ends after its standard input closes, after a number of papers, or when idle.

A message is a length of eight bytes and that many bytes. A job is one JSON message
`{"html", "static", "files": [name, …], "associated": [{"name", "media_type", "description", "relationship"}, …]}`
and one message per file and per associated file; a reply is one JSON message
`{"ok", "warnings", "error", "incomplete", "pages", "fetched": [address, …], "refused": [address, …]}` and, when ok,
the PDF.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import select
import struct
import sys
import traceback
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

IDLE_SECONDS = 120
MEMORY_BYTES = 1 << 31
UNKNOWN = "〓"
"""The compositor's mark for a character no typeface has: never a blank box."""
POINTS = 0.75
"""Of a CSS pixel."""
HEADINGS = {f"/H{level}" for level in range(1, 7)}
UA_IDENTIFIER = b"""<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfuaid:part="1"/>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 that the file follows</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
"""
MOMENT = datetime(2000, 1, 1)
"""The date of every associated file. PDF/A-3 wants one; the clock's would make every printing another file."""


def read(stream: IO[bytes]) -> bytes | None:
    """Read one message; None at the end of the stream."""
    head = _exactly(stream, 8)
    return None if head is None else _exactly(stream, struct.unpack(">Q", head)[0])


def _exactly(stream: IO[bytes], length: int) -> bytes | None:
    body = bytearray()
    while len(body) < length:
        if not (part := stream.read(length - len(body))):
            return None
        body += part
    return bytes(body)


def write(stream: IO[bytes], body: bytes) -> None:
    """Write one message."""
    stream.write(struct.pack(">Q", len(body)))
    stream.write(body)
    stream.flush()


def main(papers: int) -> None:
    """Serve `papers` jobs from standard input, then end."""
    import resource

    source, sink = os.fdopen(0, "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing printed by a library may end up between two messages
    os.nice(10)  # a paper may take a moment longer so that pages do not; it must still come on a busy machine
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))
    try:
        press = Press()
    except (ImportError, OSError):  # Pango or HarfBuzz is not there
        read(source)
        write(sink, json.dumps({"ok": False, "incomplete": True, "error": traceback.format_exc()}).encode())
        return
    gc.collect()
    gc.freeze()
    gc.disable()  # collecting while a page is laid out takes a fifth of the time
    for paper in range(1, papers + 1):
        if paper % 8 == 0 or not select.select([source], [], [], 0.02)[0]:
            gc.collect()
        if not select.select([source], [], [], IDLE_SECONDS)[0] or (message := read(source)) is None:
            return
        job = json.loads(message)
        files = {name: read(source) or b"" for name in job["files"]}
        associated = [{**about, "data": read(source) or b""} for about in job["associated"]]
        asked = Asked()
        try:
            pdf, warnings = press.print(job["html"], files, job["static"], associated, asked)
        except Exception:
            write(sink, json.dumps({"ok": False, "error": traceback.format_exc(), **vars(asked)}).encode())
        else:
            write(sink, json.dumps({"ok": True, "warnings": warnings, "pages": press.pages, **vars(asked)}).encode())
            write(sink, pdf)


class Asked:
    """What a paper asked for while it was laid out: addresses that were served, and others."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.refused: list[str] = []


class Press:
    """WeasyPrint with one font configuration for the life of the process and lines justified as in Chinese."""

    def __init__(self) -> None:
        import weasyprint
        from weasyprint.layout import inline
        from weasyprint.pdf import stream, tags
        from weasyprint.text.fonts import FontConfiguration

        self.weasyprint = weasyprint
        self.fonts = FontConfiguration()
        self.warnings = _Warnings()
        weasyprint.LOGGER.handlers = [self.warnings]
        weasyprint.LOGGER.propagate = False
        inline.justify_line = _justify_line
        self.tree = _Tree(stream, tags)
        self.unknown: dict[int, str] = {}
        self.pages = 0
        """Of the last paper."""

    def print(
        self,
        html: str,
        files: dict[str, bytes],
        static: str,
        associated: Sequence[dict[str, Any]] = (),
        asked: Asked | None = None,
    ) -> tuple[bytes, list[str]]:
        """Return the PDF/A-3a of `html` and what WeasyPrint had to say. Raises what WeasyPrint raises."""
        fetcher = _fetcher(files, static, asked or Asked())
        pdf = self._write(html.translate(self.unknown), fetcher, associated)
        if missing := self.warnings.missing():
            self.unknown |= dict.fromkeys(missing, UNKNOWN)
            pdf = self._write(html.translate(self.unknown), fetcher, associated)
        named = sorted(chr(code) for code in self.unknown if chr(code) in html)
        notes = [f"no typeface has {character} (U+{ord(character):04X})" for character in named]
        return pdf, notes + self.warnings.lines

    def _write(self, html: str, fetcher: Any, associated: Sequence[dict[str, Any]]) -> bytes:
        self.warnings.clear()
        options: dict[str, Any] = {
            "pdf_variant": "pdf/a-3a",
            "pdf_tags": True,
            "attachments": [self._attachment(each) for each in sorted(associated, key=lambda each: each["name"])],
        }
        source = self.weasyprint.HTML(string=html, base_url="paper:", url_fetcher=fetcher)
        document = source.render(font_config=self.fonts, **options)
        self.tree.begin(document)
        result: bytes = document.write_pdf(finisher=self._finish, **options)
        return result

    def _finish(self, document: Any, pdf: Any) -> None:
        self.pages = len(document.pages)
        _finish(document, pdf)
        self.tree.finish(pdf)
        _identify(pdf)

    def _attachment(self, associated: dict[str, Any]) -> Any:
        """An associated file (PDF/A-3, ISO 19005-3 6.8), through a door of its own that knows only this file."""
        from weasyprint.urls import URLFetcher, URLFetcherResponse

        class Door(URLFetcher):
            def fetch(self, url: str, headers: Any = None) -> Any:
                return URLFetcherResponse(url, associated["data"], {"Content-Type": associated["media_type"]})

        return self.weasyprint.Attachment(
            url="associated:file",
            url_fetcher=Door(allowed_protocols=("associated",)),
            name=associated["name"],
            description=associated["description"],
            relationship=associated["relationship"],
            created=MOMENT,
            modified=MOMENT,
        )


def _finish(document: Any, pdf: Any) -> None:
    """What WeasyPrint leaves out or says twice, put right before the file is written."""
    import pydyf

    if associated := pdf.catalog.get("AF"):  # once from the names and once from the file specifications
        pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(associated))
    first = int(document.metadata.custom.get("first-page", 1))
    pdf.catalog["PageLabels"] = pydyf.Dictionary(
        {"Nums": pydyf.Array([0, pydyf.Dictionary({"S": "/D"} | ({"St": first} if first > 1 else {}))])}
    )
    dictionaries = [each for each in pdf.objects if isinstance(each, pydyf.Dictionary)]
    elements = {each.reference: each for each in dictionaries if each.get("Type") == "/StructElem"}
    heights = dict(zip(pdf.page_references, (page.height * POINTS for page in document.pages), strict=True))
    for element in elements.values():
        if element["S"] == "/TH":
            row = elements[element["P"]]
            in_head = elements[row["P"]]["S"] == "/THead"
            element["A"]["Scope"] = "/Column" if in_head else "/Row"
        elif element["S"] == "/Caption":  # beside its figure, not in it, so it is text like any other
            element["S"] = "/P"
        elif element["S"] == "/Figure":
            height = heights[element["Pg"]]
            left, top, right, bottom = element["A"]["BBox"]
            box = (left * POINTS, height - bottom * POINTS, right * POINTS, height - top * POINTS)
            element["A"]["BBox"] = pydyf.Array(round(edge, 3) for edge in box)


def _identify(pdf: Any) -> None:
    """Write the identifier of PDF/UA-1 if the tags pass what we check ourselves (ISO 14289-1, 7.1 to 7.5).

    Looked at here, for each paper: a title that is shown, a language, words for every figure, heads with a scope in
    every table, headings that leave out no level. That everything drawn is tagged or an artifact holds for any paper,
    by the way the tree is built, and is looked at by the tests. PDF/A wants the identifier's schema described
    (ISO 19005-3, 6.6.2.3.2).
    """
    import pydyf

    elements = [e for e in pdf.objects if isinstance(e, pydyf.Dictionary) and e.get("Type") == "/StructElem"]
    named = {e.reference: e for e in elements}
    levels = [int(kind[2]) for kind in _in_order(pdf, named) if kind in HEADINGS]
    tables = [e for e in elements if e["S"] == "/Table"]
    passes = (
        all("Alt" in e for e in elements if e["S"] == "/Figure")
        and all(any(k == "/TH" for k in _below(table, named)) for table in tables)
        and all("Scope" in e["A"] for e in elements if e["S"] == "/TH")
        and all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))
        and pdf.info.get("Title")
        and "Lang" in pdf.catalog
    )
    if passes:
        metadata = next(e for e in pdf.objects if e.reference == pdf.catalog["Metadata"])
        metadata.stream = [part.replace(b"</rdf:RDF>", UA_IDENTIFIER + b"</rdf:RDF>") for part in metadata.stream]


def _in_order(pdf: Any, named: dict[Any, Any]) -> Iterator[str]:
    """The kinds of the tags, as they are read."""
    root = next(e for e in pdf.objects if e.reference == pdf.catalog["StructTreeRoot"])
    for kid in root["K"]:
        yield from _below(named[kid], named)


def _below(element: Any, named: dict[Any, Any]) -> Iterator[str]:
    yield element["S"]
    for kid in element["K"]:
        if kid in named:
            yield from _below(named[kid], named)


class _Tree:
    """The tags of a paper, where WeasyPrint's are page by page: one tag for each element, over however many pages.

    It tags a paragraph that goes over to the next page twice, a table once a page with its head each time, and leaves
    the tags of page margins outside the tree, where no reader finds what they are. Here what goes on is joined to
    what began, repeated heads and margins are artifacts (ISO 14289-1, 7.1 and 7.5), and heads are told by their scope
    alone: the names WeasyPrint gives them are in no IDTree.
    """

    def __init__(self, stream: Any, tags: Any) -> None:
        from weasyprint.formatting_structure import boxes
        from weasyprint.layout.absolute import AbsolutePlaceholder

        self.boxes, self.placeholder = boxes, AbsolutePlaceholder
        self.mark, self.build = stream.Stream.marked, tags._build_box_tree
        tree = self

        def marked(self: Any, box: Any, tag: str) -> Any:
            outside = box.element is None or id(box) in tree.repeated  # margins are of no element
            return self.artifact() if outside else tree.mark(self, box, tag)

        stream.Stream.marked = marked
        tags._build_box_tree = self._built
        self.clear()

    def clear(self) -> None:
        self.repeated: set[int] = set()
        """Boxes of a head that stood on an earlier page."""
        self.first: dict[Any, Any] = {}
        self.open: set[Any] = set()
        self.joined: list[tuple[Any, Any]] = []

    def begin(self, document: Any) -> None:
        """Find the heads that are repeated, before anything is drawn."""
        self.clear()
        heads: set[int] = set()
        for page in document.pages:
            for box in page._page_box.descendants(placeholders=True):
                if isinstance(box, self.boxes.TableRowGroupBox) and box.is_header:
                    if id(box.element) in heads:
                        self.repeated.update(map(id, [box, *box.descendants()]))
                    heads.add(id(box.element))

    def _built(self, box: Any, parent: Any, *rest: Any) -> Any:
        real = box._box if isinstance(box, self.placeholder) else box
        if isinstance(real, self.boxes.MarginBox):
            return iter(())
        if id(real) in self.repeated:
            for cell in real.descendants():
                cell.mark = {}
            return iter(())
        if real.element is None or real.element_tag in ("html", "body"):
            return self.build(box, parent, *rest)
        return self._whole((id(real.element), real.element_tag), box, parent, rest)

    def _whole(self, key: Any, box: Any, parent: Any, rest: Any) -> Any:
        if key in self.open:  # a nameless box inside that of the same element
            for each in self.build(box, parent, *rest):
                if each["S"] == parent["S"]:
                    each["S"] = "/NonStruct"
                yield each
            return
        self.open.add(key)
        made = list(self.build(box, parent, *rest))
        self.open.discard(key)
        for each in made:
            first = self.first.setdefault(key, each)
            if first is each or first["S"] != each["S"] or any(isinstance(kid, int) for kid in each["K"]):
                yield each
            else:
                self.joined.append((first, each))

    def finish(self, pdf: Any) -> None:
        """Move what was begun twice into what was begun first."""
        import pydyf

        dictionaries = [each for each in pdf.objects if isinstance(each, pydyf.Dictionary)]
        elements = {each.reference: each for each in dictionaries if each.get("Type") == "/StructElem"}
        emptied = []
        for first, again in self.joined:
            into, out_of = first, again
            if first["S"] == "/LI" and first["K"] and again["K"]:
                into, out_of = elements[first["K"][-1]], elements[again["K"][0]]  # the bodies of the item
                emptied.append(out_of)
            for kid in out_of["K"]:
                elements[kid]["P"] = into.reference
            into["K"].extend(out_of["K"])
            emptied.append(again)
        for each in emptied:  # nothing points to it any more
            each.clear()
        for element in elements.values():
            element.pop("ID", None)
            if "A" in element:
                element["A"].pop("Headers", None)
        self.clear()


class _Warnings(logging.Handler):
    """Keeps what WeasyPrint logs, and apart from it the code points it found no glyph for."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.clear()

    def clear(self) -> None:
        self.lines: list[str] = []
        self.codes: set[int] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith(".notdef glyph") and isinstance(record.args, tuple):
            self.codes.add(int(str(record.args[1])))
        else:
            self.lines.append(record.getMessage())

    def missing(self) -> set[int]:
        return self.codes - {ord(UNKNOWN)}


def _fetcher(files: dict[str, bytes], static: str, asked: Asked | None = None) -> Any:
    """Return WeasyPrint's door to the world: `attachment:<sha256>` from `files`, `static:<path>`, nothing else."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    log = asked or Asked()

    class Fetcher(URLFetcher):
        def fetch(self, url: str, headers: Any = None) -> Any:
            body = found(url)
            (log.refused if body is None else log.fetched).append(url[:200])
            if body is None:
                raise ValueError("refused")
            return URLFetcherResponse(url, body)

    def found(url: str) -> bytes | None:
        scheme, _, name = url.partition(":")
        if scheme == "attachment" and name in files:
            return files[name]
        if scheme == "static":
            root = Path(static).resolve()
            path = (root / name).resolve()
            if path.is_relative_to(root) and path.is_file():
                return path.read_bytes()
        return None

    return Fetcher(allowed_protocols=())


def _justify_line(context: Any, line: Any, extra_width: float) -> None:
    """Spread `extra_width` (CSS pixels) evenly between the characters of a line.

    WeasyPrint stretches only spaces, and Chinese has none: lines would end up to 11 mm short. This stands in for
    its function of the same name, which it calls for every line that is to be justified. Doing it here, not with
    hidden spaces in the text, keeps copied text clean and costs next to nothing.
    """
    from weasyprint.formatting_structure import boxes

    def characters(box: Any) -> int:
        if isinstance(box, boxes.TextBox):
            return len(box.text)
        if isinstance(box, boxes.LineBox | boxes.InlineBox):
            return sum(characters(child) for child in box.children)
        return 0

    gaps = characters(line) - 1
    if gaps < 1:
        return
    each = extra_width / gaps

    def spread(box: Any, moved: float) -> float:
        if isinstance(box, boxes.TextBox):
            spacing = box.style["letter_spacing"]
            box.style = box.style.copy()
            box.style["letter_spacing"] = (0 if spacing == "normal" else spacing) + each
            box.position_x += moved
            box.width += each * len(box.text)
            return moved + each * len(box.text)
        if isinstance(box, boxes.LineBox | boxes.InlineBox):
            start = moved
            box.position_x += moved
            for child in box.children:
                if child.is_in_normal_flow():
                    moved = spread(child, moved)
            box.width += moved - start
            return moved
        box.translate(moved, 0)
        return moved

    spread(line, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
