"""Pages of the issues room."""

from flask import Blueprint

from . import operations  # noqa: F401

bp = Blueprint("issues", __name__)
