"""A PDF's objects, tags and marked content as pdfminer and pdfplumber read them."""

import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pdfplumber
from pdfminer.pdftypes import PDFObjRef, resolve1
from pdfminer.utils import decode_text


def plain(value: Any) -> Any:
    """A resolved object; names as text."""
    value = resolve1(value)
    return value.name if type(value).__name__ == "PSLiteral" else value


def words(value: Any) -> str:
    """A PDF string as text."""
    return decode_text(resolve1(value))


@dataclass
class Tag:
    """A structure element, its children in order, and the text marked by it on the pages."""

    kind: str
    attributes: dict[str, Any]
    alt: str | None
    children: list["Tag"] = field(default_factory=list)
    text: str = ""
    parent: "Tag | None" = None
    page: int | None = None
    """Where it begins."""

    def walk(self) -> Iterator["Tag"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def whole(self) -> str:
        """Its text and that of all below it, in reading order."""
        return self.text + "".join(child.whole() for child in self.children)


class Reader:
    """An opened PDF."""

    def __init__(self, pdf: bytes) -> None:
        self.plumber = pdfplumber.open(io.BytesIO(pdf))
        self.miner = self.plumber.doc
        self.catalog = self.miner.catalog
        self.pages = self.plumber.pages
        self.marks: dict[tuple[int, int], str] = defaultdict(str)
        """(page, mcid) → text."""
        for page in self.pages:
            for char in page.chars:
                if char["mcid"] is not None:
                    self.marks[page.page_number, char["mcid"]] += char["text"]
        self.numbers = {page.page_obj.pageid: page.page_number for page in self.pages}
        self.named: list[tuple[int, int]] = []
        """(page, mcid) in the order of the tree."""
        self.document = self._tag(self._kids(resolve1(self.catalog["StructTreeRoot"]))[0], None, None)

    def objects(self) -> Iterator[Any]:
        """Every object of the file."""
        for xref in self.miner.xrefs:
            for number in xref.get_objids():
                yield self.miner.getobj(number)

    @staticmethod
    def _kids(element: Any) -> list[Any]:
        kids = resolve1(element.get("K", []))
        return kids if isinstance(kids, list) else [kids]

    def _tag(self, reference: Any, page: int | None, parent: Tag | None) -> Tag:
        element = resolve1(reference)
        attributes = resolve1(element.get("A", {}))
        tag = Tag(
            plain(element["S"]),
            {k: plain(v) for k, v in attributes.items()},
            words(element["Alt"]) if "Alt" in element else None,
            parent=parent,
        )
        if isinstance(element.get("Pg"), PDFObjRef):
            page = tag.page = self.numbers[element["Pg"].objid]
        for kid in self._kids(element):
            if isinstance(kid, int):
                assert page is not None
                self.named.append((page, kid))
                tag.text += self.marks[page, kid]
            elif plain(resolve1(kid).get("Type")) != "OBJR":
                tag.children.append(self._tag(kid, page, tag))
        return tag
