"""Official papers (GB/T 9704-2012): one plain dict in, bytes out."""

from .pdf import Associated, RenderFailed, render, render_many, render_volumes
from .sheets import to_workbook
from .word import to_word

__all__ = ["Associated", "RenderFailed", "render", "render_many", "render_volumes", "to_word", "to_workbook"]
