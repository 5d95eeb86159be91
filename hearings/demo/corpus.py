"""The demo data of the house, gathered under one roof: who there is, and what was said and promised."""

from __future__ import annotations

from hearings.demo.people import (
    DEPARTMENT_LOGINS,
    DEPARTMENTS,
    DEPARTMENTS_BY_CODE,
    PEOPLE,
    PEOPLE_BY_LOGIN,
    STATIONS,
    STREETS,
    department_name,
)
from hearings.demo.session9_story import SESSION_9

__all__ = [
    "DEPARTMENTS",
    "DEPARTMENTS_BY_CODE",
    "DEPARTMENT_LOGINS",
    "PEOPLE",
    "PEOPLE_BY_LOGIN",
    "SESSION_9",
    "STATIONS",
    "STREETS",
    "department_name",
]
