"""Pages of the ledger room."""

from flask import Blueprint

bp = Blueprint("ledger", __name__)
