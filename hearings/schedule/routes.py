"""Pages of the schedule room."""

from flask import Blueprint

from . import operations  # noqa: F401

bp = Blueprint("schedule", __name__)
