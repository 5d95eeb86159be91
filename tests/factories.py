"""Plain functions that make things with honest defaults, through the same operations that people use."""

import itertools
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from hearings.db import LOCAL, db, now, today
from hearings.issues import operations as issues
from hearings.issues.models import Issue
from hearings.people import operations as people
from hearings.people.models import Department, DepartmentKind, User
from hearings.schedule import operations as schedule
from hearings.schedule.models import Hearing, HearingKind, Station

PASSWORD = "Tested-123"
_numbers = itertools.count(1)


def user(role: str = "organiser", **details: Any) -> User:
    """A person with one role (or `roles=…`)."""
    number = next(_numbers)
    roles = details.pop("roles", [role])
    details.setdefault("username", f"{role}{number}")
    details.setdefault("name", f"{'李王张刘陈杨赵黄周吴'[number % 10]}{'一二三四五六七八九十'[number % 10]}{number}")
    return people.create_user(roles=roles, password=PASSWORD, actor=None, **details)


def department(name: str | None = None, **details: Any) -> Department:
    """An office."""
    name = name or f"第{next(_numbers)}局"
    details.setdefault("short_name", name)
    return people.create_department(name=name, actor=None, **details)


def station(**details: Any) -> Station:
    """A liaison station."""
    number = next(_numbers)
    details = {
        "code": f"S{number}",
        "name": f"第{number}人大代表联络站",
        "street": "新碶",
        "address": f"明州路{number}号（示例）",
        "capacity": 60,
    } | details
    return schedule.create_station(actor=None, **details)


def evening(day: date, start: str = "19:00", end: str = "21:00") -> dict[str, datetime]:
    """`starts_at` and `ends_at` of an evening."""
    return {
        "starts_at": datetime.combine(day, time.fromisoformat(start), LOCAL),
        "ends_at": datetime.combine(day, time.fromisoformat(end), LOCAL),
    }


def tonight() -> dict[str, datetime]:
    """An evening that is about to begin, whatever the hour a test runs at."""
    return {"starts_at": now(), "ends_at": now() + timedelta(hours=2)}


@dataclass
class World:
    """A small district, committed."""

    admin: User
    auditor: User
    organiser: User
    street: User
    deputy: User
    other_deputy: User
    leader: User
    department: User
    other_department: User
    bureau: Department
    other_bureau: Department
    street_office: Department
    station: Station
    other_station: Station

    @classmethod
    def make(cls) -> "World":
        here = station(code="XQ", name="新碶街道人大代表联络站", street="新碶")
        there = station(code="XP", name="霞浦街道人大代表联络站", street="霞浦")
        bureau = department("区交通运输局", position=10)
        other = department("区教育局", position=20)
        office = department(
            "新碶街道办事处", short_name="新碶街道办", kind=DepartmentKind.STREET_OFFICE, street="新碶", position=50
        )
        made = cls(
            admin=user("admin", username="admin", name="系统管理员"),
            auditor=user("auditor", username="auditor", name="审计员"),
            organiser=user("organiser", username="organiser", name="周某某", title="代表工委工作人员"),
            street=user("organiser", username="street", name="钱某某", title="新碶街道人大工委主任", stations=[here]),
            deputy=user("deputy", username="deputy", name="代表甲", title="区人大代表", protocol_order=200),
            other_deputy=user("deputy", username="deputy2", name="代表乙", title="区人大代表", protocol_order=201),
            leader=user("leader", username="leader", name="张某某", title="主任", protocol_order=1),
            department=user("department", username="department", name="郑某某", title="局长", department=bureau),
            other_department=user("department", username="department2", name="吴某某", title="局长", department=other),
            bureau=bureau,
            other_bureau=other,
            street_office=office,
            station=here,
            other_station=there,
        )
        db.session.commit()
        return made

    def hearing(self, status: str = "announced", *, day: date | None = None, **details: Any) -> Hearing:
        """A hearing at the world's station with chair, two deputies and two departments, in that status."""
        day = day or today() + timedelta(days=7)
        fields: dict[str, Any] = {
            "title": f"家门口的民生小事（{next(_numbers)}）",
            "theme": "家门口的民生小事",
            "station": self.station,
            "chair": self.leader,
            "kind": HearingKind.NIGHT_HEARING,
            "actor": self.organiser,
        }
        made = schedule.draft_hearing(**(fields | evening(day) | details))
        for person in (self.deputy, self.other_deputy):
            schedule.add_person(made, person, actor=self.organiser)
        for office in (self.bureau, self.other_bureau):
            schedule.add_department(made, office, actor=self.organiser)
        steps = ("draft", "announced", "in_session", "concluded")
        for step in steps[1 : steps.index(status) + 1]:
            act = {"announced": schedule.announce, "in_session": schedule.open_session, "concluded": schedule.conclude}
            act[step](made, actor=self.organiser)
        db.session.commit()
        return made

    def issue(self, hearing: Hearing | None = None, **details: Any) -> Issue:
        """An issue of the first deputy, in a hearing in session unless one is given."""
        hearing = hearing or self.hearing("in_session")
        fields: dict[str, Any] = {
            "statement": f"霞浦铁路桥下堆物，夜间无灯，第{next(_numbers)}次反映，居民晚上走路不安全。",
            "title": "铁路桥下堆物无灯",
            "lead_deputy": self.deputy,
            "place": "霞浦铁路桥",
            "street": "霞浦",
            "actor": self.organiser,
        }
        made = issues.log_issue(hearing, **(fields | details))
        db.session.commit()
        return made

    def commitment(self, issue: Issue, *, days: int = 20, **details: Any) -> Any:
        """A promise of the bureau."""
        fields: dict[str, Any] = {
            "measure": f"第{next(_numbers)}项：清理桥下空间并安装照明",
            "lead": self.bureau,
            "due_on": max(today(), issue.hearing.day) + timedelta(days=days),
            "actor": self.organiser,
        }
        made = issues.make_commitment(issue, **(fields | details))
        db.session.commit()
        return made

    def assigned(self, issue: Issue | None = None, **details: Any) -> Any:
        """The lead's assignment of an issue (of a concluded hearing unless one is given)."""
        issue = issue or self.issue(self.hearing("concluded"))
        fields: dict[str, Any] = {"lead": self.bureau, "actor": self.organiser}
        made = issues.assign(issue, **(fields | details))
        db.session.commit()
        return made[0]


def latin_office() -> None:
    """One of most things, in Latin letters only, so that Chinese on a page is the page's own."""
    people_ = {
        role: user(role, username=role, name=role.title(), title="Head")
        for role in ("admin", "auditor", "organiser", "deputy", "leader")
    }
    here = station(code="A1", name="North station", street="North", address="1 North road")
    street = user("organiser", username="street", name="Street", title="Head", stations=[here])
    bureau = department("Roads office", short_name="Roads")
    people_["department"] = user("department", username="department", name="Dep", title="Head", department=bureau)
    organiser = people_["organiser"]

    def meeting(title: str, day: date, kind: HearingKind = HearingKind.NIGHT_HEARING) -> Hearing:
        made = schedule.draft_hearing(
            title=title,
            station=here,
            chair=people_["leader"],
            kind=kind,
            actor=organiser,
            theme="Lamps",
            **evening(day),
        )
        schedule.add_person(made, people_["deputy"], actor=organiser)
        schedule.add_department(made, bureau, actor=organiser)
        return made

    first = meeting("Lamps and roads", today() - timedelta(days=9))
    schedule.add_topic(title="Lamps", departments=[bureau], street="North", hearing=first, actor=organiser)
    schedule.add_topic(title="Benches", departments=[bureau], street="North", actor=street)
    schedule.announce(first, actor=organiser)
    schedule.open_session(first, actor=organiser)
    for words in ("The lamp in North road is out and nobody can see.", "There is a hole in the road by the school."):
        issue = issues.log_issue(first, statement=words, lead_deputy=people_["deputy"], street="North", actor=organiser)
        issues.make_commitment(
            issue, measure="Mend it", lead=bureau, due_on=today() + timedelta(days=5), actor=organiser
        )
    schedule.conclude(first, actor=organiser)
    assignment = issues.assign(issue, lead=bureau, actor=organiser)[0]
    issues.accept_assignment(assignment, actor=people_["department"])
    schedule.announce(meeting("Next evening", today() + timedelta(days=9)), actor=organiser)
    meeting("Walk back", today() + timedelta(days=20), HearingKind.LOOK_BACK)
    db.session.commit()
