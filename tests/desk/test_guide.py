"""The guide: every link in it answers for that role, every button it names is one of the product's."""

import re
from pathlib import Path

import pytest

from hearings.db import db
from hearings.desk.guide import GUIDES
from hearings.permissions import Role
from tests import factories

ROOT = Path(__file__).parent.parent.parent
WHO = {"admin": "admin", "auditor": "auditor", "organiser": "organiser", "deputy": "deputy", "department": "department", "leader": "leader"}  # fmt: skip


def test_every_role_has_a_guide():
    assert set(GUIDES) == set(Role)


@pytest.mark.parametrize("role", WHO)
def test_every_link_of_a_guide_answers_for_its_role(world, browser, role):
    one = browser(getattr(world, WHO[role]))
    assert one.get("/help").headers["Location"] == f"/help/{role}"
    page = one.get(f"/help/{role}")
    assert page.status_code == 200
    main = page.text.split("<main", 1)[1].split("</main>")[0]
    links = re.findall(r'href="([^"]+)"', main)
    assert links
    for path in links:
        assert one.get(path).status_code == 200, path
    assert 'href="/help"' in page.text  # in the menu under the name


def test_the_guide_of_a_street_organiser_answers_too(world, browser):
    street = browser(world.street)
    for path in re.findall(r'<a href="([^"]+)"', street.get("/help/organiser").text.split("<main", 1)[1]):
        assert street.get(path).status_code == 200, path


def test_every_button_that_a_guide_names_is_there(app):
    """The words are taken from the catalogue, and stand in a page or a view other than the guide."""
    places = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("hearings/**/*.py")]
    words = "\n".join(p.read_text() for p in places if p.name not in ("guide.py", "guide.html"))
    for parts in GUIDES.values():
        for part in parts:
            for step in part.steps:
                for said in step.says:
                    assert f'_("{said._args[0]}")' in words or f'_l("{said._args[0]}")' in words, said._args
                assert "%(" not in step.words


def test_a_guide_of_a_role_that_one_has_not_is_not_there(world, browser):
    for path in ("/help/admin", "/help/emperor", "/help/%00"):
        assert browser(world.deputy).get(path).status_code == 404
    assert browser().get("/help").status_code == 302  # sign in first


def test_who_has_two_roles_finds_both(world, browser):
    both = factories.user(roles=["deputy", "leader"])
    db.session.commit()
    page = browser(both).get("/help/leader").text
    assert 'href="/help/deputy"' in page and 'aria-current="page"' in page
