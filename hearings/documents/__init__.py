"""Official papers (GB/T 9704-2012): one plain dict in, bytes out."""

from .pdf import RenderFailed, render, render_many

__all__ = ["RenderFailed", "render", "render_many"]
