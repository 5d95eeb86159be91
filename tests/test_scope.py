"""What each person may see, on the demo: every link opens, and what is outside is as if it had never been.

The scopes are computed here by plain SQL from the words of the work order, not from the house's own permissions:
*department*: hearings it is invited to with the topics addressed to it, issues assigned to it in any part and
round, and promises it leads or helps with; *street*: hearings at its own stations, issues whose street is theirs,
of those hearings, or on a look-back they hold; *deputy*: hearings invited to, issues raised, co-signed or asked
to confirm. *Leader* and *auditor* read everything and change nothing; *admin* has no records.
"""

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import urljoin

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import text

from hearings.db import db
from tests.conftest import Browser
from tests.crawl import endpoint_of

ROLES = ("deputy", "department", "street")
NEVER = 999_999_999
"""An id that no row has."""

# -- scopes, in SQL ----------------------------------------------------------------------------------------

TOLD = "SELECT id FROM hearing WHERE status NOT IN ('draft', 'discarded')"
OFFICES = """WITH RECURSIVE office(id) AS (
    SELECT department_id FROM "user" WHERE id = :me
    UNION SELECT department.id FROM department JOIN office ON department.successor_id = office.id
) SELECT id FROM office"""
STATIONS = "SELECT station_id FROM user_station WHERE user_id = :me"
STREETS = f"SELECT street FROM station WHERE id IN ({STATIONS})"

HEARINGS = {
    "deputy": f"SELECT hearing_id FROM participant WHERE user_id = :me AND hearing_id IN ({TOLD})",
    "department": f"""SELECT hearing_id FROM participant
        WHERE (department_id IN ({OFFICES}) OR user_id = :me) AND hearing_id IN ({TOLD})""",
    "street": f"SELECT id FROM hearing WHERE station_id IN ({STATIONS})",
}
ISSUES = {
    "deputy": """SELECT id FROM issue WHERE lead_deputy_id = :me OR logged_by_id = :me
        UNION SELECT issue_id FROM issue_cosigner WHERE user_id = :me
        UNION SELECT issue_id FROM confirmation WHERE deputy_id = :me""",
    "department": f"SELECT issue_id FROM assignment WHERE department_id IN ({OFFICES})",
    "street": f"""SELECT id FROM issue WHERE street IN ({STREETS}) OR hearing_id IN ({HEARINGS["street"]})
        UNION SELECT issue_id FROM agenda_item WHERE hearing_id IN ({HEARINGS["street"]})""",
}
PROMISES = {
    "deputy": f"SELECT id FROM commitment WHERE issue_id IN ({ISSUES['deputy']})",
    "department": f"""SELECT id FROM commitment
        WHERE issue_id IN ({ISSUES["department"]}) OR lead_id IN ({OFFICES})
           OR id IN (SELECT commitment_id FROM commitment_co_handler WHERE department_id IN ({OFFICES}))""",
    "street": f"SELECT id FROM commitment WHERE issue_id IN ({ISSUES['street']})",
}
TOPICS = {
    "deputy": f"SELECT id FROM topic WHERE deputy_id = :me OR hearing_id IN ({HEARINGS['deputy']})",
    "department": f"""SELECT id FROM topic WHERE hearing_id IN ({HEARINGS["department"]})
        AND id IN (SELECT topic_id FROM topic_department WHERE department_id IN ({OFFICES}))""",
    "street": f"SELECT id FROM topic WHERE street IN ({STREETS}) OR hearing_id IN ({HEARINGS['street']})",
}
PREPARATIONS = {
    "deputy": "SELECT id FROM preparation WHERE 1 = 0",
    "department": f"SELECT id FROM preparation WHERE department_id IN ({OFFICES})",
    "street": f"SELECT id FROM preparation WHERE hearing_id IN ({HEARINGS['street']})",
}
SEATS = {
    "deputy": "SELECT id FROM participant WHERE 1 = 0",
    "department": "SELECT id FROM participant WHERE 1 = 0",
    "street": f"SELECT id FROM participant WHERE hearing_id IN ({HEARINGS['street']})",
}


def _of_issue(table: str) -> dict[str, str]:
    return {role: f"SELECT id FROM {table} WHERE issue_id IN ({ISSUES[role]})" for role in ROLES}


INSIDE: dict[str, dict[str, str]] = {
    "hearing": HEARINGS,
    "issue": ISSUES,
    "commitment": PROMISES,
    "assignment": _of_issue("assignment")
    | {"department": f"SELECT id FROM assignment WHERE department_id IN ({OFFICES})"},
    "extension": {r: f"SELECT id FROM extension WHERE commitment_id IN ({PROMISES[r]})" for r in ROLES},
    "confirmation": _of_issue("confirmation"),
    "topic": TOPICS,
    "participant": SEATS,
    "preparation": PREPARATIONS,
    "issue_file": {
        r: f"SELECT id FROM issue_file WHERE issue_id IN ({ISSUES[r]}) OR commitment_id IN ({PROMISES[r]})"
        for r in ROLES
    },
    "finding_file": {
        r: f"SELECT id FROM finding_file WHERE finding_id IN (SELECT id FROM finding WHERE issue_id IN ({ISSUES[r]}))"
        for r in ROLES
    },
}
"""Ids each role's person may have to do with, by table."""

OF_ADDRESS = {
    "/hearings/": "hearing",
    "/look-backs/": "hearing",
    "/issues/": "issue",
    "/commitments/": "commitment",
    "/assignments/": "assignment",
    "/extensions/": "extension",
    "/confirmations/": "confirmation",
    "/topics/": "topic",
    "/participants/": "participant",
    "/preparations/": "preparation",
    "/files/": "issue_file",
    "/findings/files/": "finding_file",
}
"""Whose id stands in an address."""
DIRECTORY = ("/stations/", "/departments/", "/people/", "/hand-over/", "/undo/", "/inbox/", "/sent/", "/calendar/")
"""Addresses with ids that are no records."""

READ = (
    "/hearings/<int:id>",
    "/hearings/<int:id>/invite.ics",
    "/hearings/<int:id>/minutes",
    "/hearings/<int:id>/minutes.pdf",
    "/hearings/<int:id>/minutes.docx",
    "/hearings/<int:id>/participants",
    "/hearings/<int:id>/topics",
    "/hearings/<int:id>/ballots",
    "/look-backs/<int:id>",
    "/look-backs/<int:id>/invite.ics",
    "/issues/<int:id>",
    "/commitments/<int:id>",
    "/topics/<int:id>",
    "/files/<int:id>",
    "/findings/files/<int:id>",
)
"""What everybody of the three may read inside their scope; outside it is 404."""


def ids(sql: str, me: int = 0) -> list[int]:
    """The ids a query gives, in order."""
    return sorted(set(db.session.scalars(text(sql), {"me": me} if ":me" in sql else {})))


def outside(entity: str, role: str, me: int, most: int = 3) -> list[int]:
    """Some rows of a table that lie outside a person's scope, spread over the years."""
    mine = set(ids(INSIDE[entity][role], me))
    others = [row for row in ids(f"SELECT id FROM {entity}") if row not in mine]
    return others[:: max(1, len(others) // most)][:most]


def entity_of(rule: str) -> str | None:
    """The table whose id an address begins with; None for the directory and addresses without an id."""
    if "<int:id>" not in rule or rule.startswith(DIRECTORY):
        return None
    return OF_ADDRESS[rule.partition("<")[0]]


def rules(app: Flask, method: str) -> list[str]:
    return sorted({rule.rule for rule in app.url_map.iter_rules() if method in (rule.methods or ())})


def address(rule: str, id_: int) -> str:
    """An address with this id; what else it names is 1."""
    return re.sub(r"<int:\w+>", "1", rule.replace("<int:id>", str(id_)))


TOKEN = re.compile(
    r'name="(csrf_token|form_id|base)"[^>]*value="[^"]*"|value="[^"]*"[^>]*name="(csrf_token|form_id|base)"'
)


def seen(browser: Browser, path: str, method: str = "GET") -> tuple[int, str]:
    """Status and body of an answer; one-time values and the address itself left out."""
    answer = browser.open(path, method=method)
    body = answer.text if answer.mimetype == "text/html" else hashlib.sha256(answer.data).hexdigest()
    return answer.status_code, TOKEN.sub("", body).replace(path, "PATH")


def everything() -> str:
    """A fingerprint of all rows of all tables."""
    whole = hashlib.sha256()
    for name, table in sorted(db.metadata.tables.items()):
        rows = db.session.execute(table.select()).all()
        whole.update(f"{name}{sorted(map(repr, rows))}".encode())
    db.session.rollback()
    return whole.hexdigest()


def links_of(path: str, html: str) -> set[str]:
    """Addresses of ours that a page leads to, pictures among them."""
    soup = BeautifulSoup(html, "html.parser")
    found = [tag["href"] for tag in soup.find_all("a", href=True)] + [
        tag["src"] for tag in soup.find_all("img", src=True)
    ]
    targets = {urljoin(path, str(target)).split("#")[0] for target in found}
    return {t for t in targets if t.startswith("/") and not t.startswith(("//", "/static", "/bootstrap", "/logout"))}


def some(rows: list[int], most: int) -> list[int]:
    """A few of them, first and last included."""
    return rows[:: max(1, len(rows) // most)][:most] + rows[-1:]


# -- what is shown opens -----------------------------------------------------------------------------------

LISTS = (
    "/", "/hearings/", "/hearings/calendar", "/issues/", "/commitments/", "/commitments/?status=all", "/look-backs/",
    "/look-backs/?state=held", "/topics/", "/stations/", "/departments/", "/ledger/", "/confirmations/",
    "/confirmations/?state=answered", "/search?q=老人", "/search?q=公交", "/search?q=新碶", "/search?q=路灯",
)  # fmt: skip


@pytest.mark.parametrize("role", (*ROLES, "leader", "auditor"))
def test_whatever_a_page_shows_opens(office, role):
    """Lists, search, front page, hubs, issues and promises lead to no closed door."""
    app, people = office
    me = people[role].id
    browser = Browser(app, people[role])
    pages = list(LISTS)
    whole = {entity: f"SELECT id FROM {entity}" for entity in INSIDE}
    for entity, prefix, most in (
        ("hearing", "/hearings/", 8),
        ("issue", "/issues/", 10),
        ("commitment", "/commitments/", 5),
        ("topic", "/topics/", 8),
    ):
        mine = ids(INSIDE[entity][role] if role in ROLES else whole[entity], me)
        assert mine, f"the demo's {role} has no {entity}"
        pages += [f"{prefix}{id_}" for id_ in some(mine, most)]
    shut, leads = [], set()
    for path in pages:
        answer = browser.get(path)
        if path in LISTS and answer.status_code == 403:
            continue  # a room this role does not have; then no page may lead there
        if answer.status_code != 200:
            shut.append((path, answer.status_code, "its own"))
            continue
        leads |= {(target, path) for target in links_of(path, answer.text)}
    tried: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for target, source in sorted(leads):
        if target in tried:
            continue
        kind = endpoint_of(app, target)
        kinds[kind] = kinds.get(kind, 0) + 1
        if kinds[kind] > 25:
            continue
        tried[target] = browser.get(target).status_code
        if tried[target] not in (200, 302):
            shut.append((target, tried[target], source))
    assert shut == [], shut


# -- what is outside never was -----------------------------------------------------------------------------


def test_every_address_with_an_id_is_known_here(office):
    app, _people = office
    for rule in rules(app, "GET") + rules(app, "POST"):
        entity_of(rule)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("method", ("GET", "POST"))
def test_what_is_outside_is_as_if_it_had_never_been(office, role, method):
    """The same answer, byte for byte, as for an id that no row has; and nothing changes."""
    app, people = office
    me = people[role].id
    browser = Browser(app, people[role])
    before = everything()
    told, tested = [], set()
    for rule in rules(app, method):
        entity = entity_of(rule)
        if entity is None:
            continue
        never = seen(browser, address(rule, NEVER), method)
        if never[0] not in (403, 404) or (method == "GET" and rule in READ and never[0] != 404):
            told.append((rule, NEVER, never[0]))
        for id_ in outside(entity, role, me):
            tested.add(entity)
            answer = seen(browser, address(rule, id_), method)
            if answer != never:
                told.append((rule, id_, answer[0]))
    assert told == []
    asked = {entity_of(rule) for rule in rules(app, method)} - {None}
    assert tested == asked, "the demo has something outside of every kind"
    assert everything() == before


@pytest.mark.parametrize("role", ROLES)
def test_every_version_and_size_of_a_paper_is_inside_or_never_was(office, role):
    """Older minutes and thumbnails are asked for by the address's arguments."""
    app, people = office
    me = people[role].id
    browser = Browser(app, people[role])
    for pattern, entity in (
        ("/hearings/{}/minutes.pdf?version=1", "hearing"),
        ("/hearings/{}/minutes?version=1", "hearing"),
        ("/hearings/{}/minutes/signed-copy?version=1", "hearing"),
        ("/hearings/{}?as_of=2021-09-16", "hearing"),
        ("/files/{}?thumb=1", "issue_file"),
        ("/findings/files/{}?thumb=1", "finding_file"),
    ):
        never = seen(browser, pattern.format(NEVER))
        assert never[0] == 404
        for id_ in outside(entity, role, me):
            assert seen(browser, pattern.format(id_)) == never


@pytest.mark.parametrize("role", ROLES)
def test_lists_and_search_hold_nothing_from_outside(office, role):
    """Not even for who asks by filter: every row of every page of a list lies inside."""
    app, people = office
    me = people[role].id
    browser = Browser(app, people[role])
    hearing = outside("hearing", role, me, most=1)[0]
    for start in (
        "/hearings/", "/issues/", "/commitments/?status=all", "/look-backs/?state=all", "/topics/", "/hearings/calendar",
        f"/issues/?hearing={hearing}", f"/commitments/?status=all&hearing={hearing}", "/search?q=老人", "/search?q=公交",
        "/search?q=夜询", "/search?q=9-01", "/search?q=第9期",
    ):  # fmt: skip
        path: str | None = start
        while path is not None:
            answer = browser.get(path)
            if answer.status_code == 403:
                break
            assert answer.status_code == 200, path
            soup = BeautifulSoup(answer.text, "html.parser")
            for prefix, entity in (("/hearings/", "hearing"), ("/issues/", "issue"), ("/commitments/", "commitment")):
                shown = _ids_in(soup, prefix)
                assert shown - set(ids(INSIDE[entity][role], me)) == set(), path
            older = soup.find("a", href=re.compile(r"[?&](after|before)="), rel="next")
            path = urljoin(path, str(older["href"])) if older is not None else None


def _ids_in(soup: BeautifulSoup, prefix: str) -> set[int]:
    """The ids of a kind that a page links to."""
    found = (re.fullmatch(rf"{prefix}(\d+)", str(a["href"])) for a in soup.select("main a[href]"))
    return {int(match[1]) for match in found if match}


def test_a_thing_of_another_hearing_is_not_reached_through_ones_own(office):
    """Addresses with two ids: the second must belong to the first."""
    app, people = office
    street = people["street"]
    browser = Browser(app, street)
    own = ids(f"SELECT id FROM hearing WHERE status = 'in_session' AND station_id IN ({STATIONS})", street.id)
    assert own, "the demo's street has the evening of today"
    other = outside("issue", "street", street.id, most=1)[0]
    seat = outside("participant", "street", street.id, most=1)[0]
    promise = outside("commitment", "street", street.id, most=1)[0]
    file = outside("issue_file", "street", street.id, most=1)[0]
    mine = ids(ISSUES["street"], street.id)[0]
    before = everything()
    for path in (
        f"/hearings/{own[0]}/session/issues/{other}",
        f"/hearings/{own[0]}/session/issues/{other}/outcome",
        f"/hearings/{own[0]}/session/issues/{other}/turns",
        f"/hearings/{own[0]}/session/issues/{other}/ballot",
        f"/hearings/{own[0]}/session/issues/{other}/move",
        f"/hearings/{own[0]}/session/issues/{other}/commitments",
        f"/hearings/{own[0]}/session/seats/{seat}",
        f"/hearings/{own[0]}/session/commitments/{promise}",
        f"/hearings/{own[0]}/session/commitments/{promise}/remove",
        f"/hearings/{own[0]}/ballots/{other}/remove",
        f"/issues/{mine}/files/{file}/remove",
    ):
        assert browser.post(path, {"came": "signed_in", "text": "x", "kind": "question"}).status_code == 404, path
    assert everything() == before
    shown = BeautifulSoup(browser.get(f"/hearings/{own[0]}/session?issue={other}").text, "html.parser")
    assert shown.find("a", href=f"/issues/{other}") is None


def test_an_office_answers_for_itself_only(office):
    """Another office's attendee and preparation, at an evening both are invited to."""
    app, people = office
    bureau = people["department"]
    browser = Browser(app, bureau)
    shared = ids(HEARINGS["department"], bureau.id)[-1]
    others = ids(
        f"SELECT department_id FROM participant WHERE hearing_id = {shared} AND department_id NOT IN ({OFFICES})",
        bureau.id,
    )
    assert others
    never = seen(browser, f"/hearings/{shared}/attendee?department={NEVER}")
    assert never[0] == 404
    for office_id in others:
        path = f"/hearings/{shared}/attendee?department={office_id}"
        assert seen(browser, path) == never
        assert browser.post(path, {"name": "x"}).status_code == 404


# -- who changes nothing -----------------------------------------------------------------------------------

OWN = {
    "/login", "/logout", "/password", "/verify", "/language", "/continue",
    "/inbox/<int:id>", "/inbox/read", "/inbox/mail", "/calendar/new", "/r/<token>",
}  # fmt: skip
"""A person's own door, password and language, messages and calendar; the answer to an invitation needs its seal."""


def existing(rule: str) -> Iterable[int]:
    """Rows that stand in a state where somebody could act on them, newest and oldest."""
    prefix = rule.partition("<")[0]
    table = OF_ADDRESS.get(prefix) or {
        "/stations/": "station", "/departments/": "department", "/people/": '"user"', "/hand-over/": '"user"',
        "/undo/": "undo_offer", "/calendar/": "calendar_feed",
    }[prefix]  # fmt: skip
    rows = ids(f"SELECT id FROM {table}")
    return (rows[0], rows[-1]) if rows else (1,)


@pytest.mark.parametrize("role", ("leader", "auditor"))
def test_who_only_reads_changes_nothing(office, role):
    """Every address that takes a post refuses theirs."""
    app, people = office
    browser = Browser(app, people[role])
    before = everything()
    done = []
    for rule in rules(app, "POST"):
        if rule in OWN:
            continue
        for id_ in existing(rule) if "<int:id>" in rule or rule.startswith("/undo/") else (0,):
            path = re.sub(
                r"<int:\w+>", str(id_) if rule.startswith("/undo/") else "1", rule.replace("<int:id>", str(id_))
            )
            code = browser.post(path, {"reason": "x", "name": "x", "title": "x"}).status_code
            if code not in (403, 404) and not (rule.startswith("/undo/") and code == 409):
                done.append((path, code))
    assert done == []
    assert everything() == before


@pytest.mark.parametrize("role", ("leader", "auditor"))
def test_who_only_reads_is_offered_nothing_to_send(office, role):
    app, people = office
    browser = Browser(app, people[role])
    pages = [f"/hearings/{id_}" for id_ in some(ids("SELECT id FROM hearing"), 12)]
    pages += [f"/issues/{id_}" for id_ in some(ids("SELECT id FROM issue"), 12)]
    pages += [f"/commitments/{id_}" for id_ in some(ids("SELECT id FROM commitment"), 6)]
    pages += [
        f"/hearings/{id_}/{part}"
        for id_ in some(ids("SELECT id FROM hearing"), 3)
        for part in ("participants", "topics", "minutes", "ballots")
    ]
    for path in pages:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        soup = BeautifulSoup(answer.text, "html.parser")
        offered = [f["action"] for f in soup.select("main form") if f.get("method", "get").lower() == "post"]
        assert offered == [], path


def test_the_administrator_sees_no_records(office):
    app, people = office
    browser = Browser(app, people["admin"])
    for rule in rules(app, "GET"):
        entity = entity_of(rule)
        if entity is not None:
            for id_ in (ids(f"SELECT id FROM {entity}")[0], NEVER):
                assert browser.get(address(rule, id_)).status_code in (403, 404), rule
    for path in (
        "/hearings/",
        "/hearings/calendar",
        "/issues/",
        "/commitments/",
        "/look-backs/",
        "/confirmations/",
        "/ledger/",
        "/topics/",
        "/audit/",
    ):
        assert browser.get(path).status_code == 403, path
    records = re.compile(r"/(hearings|issues|commitments|look-backs|topics|confirmations|files)/")
    for path in (
        "/",
        "/people/",
        "/departments/",
        "/stations/",
        "/settings/",
        "/search?q=老人",
        "/search?q=9-01",
        f"/stations/{ids('SELECT id FROM station')[0]}",
        f"/departments/{ids('SELECT id FROM department')[0]}",
    ):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        soup = BeautifulSoup(answer.text, "html.parser")
        assert [a["href"] for a in soup.find_all("a", href=True) if records.match(str(a["href"]))] == [], path
