"""The blueprint of the issues room, shared by the files its pages stand in."""

from flask import Blueprint

from .limits import basis_words

bp = Blueprint("issues", __name__)
bp.add_app_template_filter(basis_words)
