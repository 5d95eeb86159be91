"""The final dict of minutes as PDF and as Word file."""

from collections.abc import Mapping
from typing import Any

from .. import documents
from .data import associated


def both(content: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """(PDF, Word) of the internal or the public rendering. Raises `RenderFailed`. Hold no transaction meanwhile."""
    return pdf(content), word(content)


def pdf(content: Mapping[str, Any]) -> bytes:
    """The PDF, with the record for machines in it unless it is a draft; the same bytes for the same content and

    typefaces. Raises `RenderFailed`.
    """
    return documents.render("minutes", content, associated=associated(content))


def word(content: Mapping[str, Any]) -> bytes:
    """The Word file, the same bytes for the same content."""
    from ..documents.word import to_word  # only here: the library need not rest in every worker

    return to_word("minutes", content)
