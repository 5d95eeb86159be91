"""Pages of the reviews room."""

from flask import Blueprint

from . import operations  # noqa: F401

bp = Blueprint("reviews", __name__)
