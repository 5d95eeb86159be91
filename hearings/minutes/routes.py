"""Pages of the minutes room."""

from flask import Blueprint

from . import models  # noqa: F401

bp = Blueprint("minutes", __name__)
