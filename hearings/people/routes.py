"""Pages of the people room."""

from flask import Blueprint

from . import operations  # noqa: F401

bp = Blueprint("people", __name__)
