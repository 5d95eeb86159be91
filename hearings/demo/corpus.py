"""The demo data of the house, gathered under one roof: who there is, and what was said and promised."""

from __future__ import annotations

from hearings.demo.people import (
    DEPARTMENT_LOGINS,
    DEPARTMENTS,
    DEPARTMENTS_BY_CODE,
    OFFICE,
    PEOPLE,
    PEOPLE_BY_LOGIN,
    STATIONS,
    STREETS,
    department_name,
)
from hearings.demo.places import PLACE_NAMES
from hearings.demo.pool import TOPIC_POOL, topic_pool
from hearings.demo.session9_story import SESSION_9
from hearings.demo.years import OTHER_HEARINGS

__all__ = [
    "DEPARTMENTS",
    "DEPARTMENTS_BY_CODE",
    "DEPARTMENT_LOGINS",
    "OFFICE",
    "OTHER_HEARINGS",
    "PEOPLE",
    "PEOPLE_BY_LOGIN",
    "PLACE_NAMES",
    "SESSION_9",
    "STATIONS",
    "STREETS",
    "TOPIC_POOL",
    "department_name",
    "topic_pool",
]
