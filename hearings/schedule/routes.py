"""The pages of the schedule room: stations, topics, hearings, seats; each in a file of its own."""

from . import pages_hearings, pages_seats, pages_stations, pages_topics
from .pages import bp

__all__ = ["bp", "pages_hearings", "pages_seats", "pages_stations", "pages_topics"]
