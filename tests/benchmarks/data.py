"""A district that has done this for decades: 2,000 hearings, 100,000 issues, 150,000 commitments."""

import os
import random
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from hearings import search
from hearings.db import db, today
from hearings.issues.models import Assignment, Commitment, Exchange, Issue, Reply
from hearings.people import operations as people
from hearings.people.models import Department, User
from hearings.schedule import operations as schedule
from hearings.schedule.models import Hearing, Participant
from hearings.search import SearchEntry
from tests.postgres import fresh_database

DATABASES = os.environ.get("DATABASES", "sqlite,postgresql").split(",")
"""Which are measured. The PostgreSQL is the tests' own and does not wait for the disk; SQLite does, as in production."""
PASSWORD = "Bench-mark-1"
WORDS = [
    "路口",
    "红灯",
    "小区",
    "门口",
    "停车",
    "老人",
    "学校",
    "放学",
    "雨天",
    "积水",
    "楼道",
    "电动车",
    "充电",
    "噪声",
    "夜间",
    "照明",
    "垃圾",
    "分类",
    "公交",
    "末班",
    "站台",
    "菜场",
    "河道",
    "异味",
    "工地",
    "扬尘",
    "电梯",
    "维修",
    "物业",
    "费用",
    "水管",
    "老化",
    "绿化",
    "遮挡",
    "盲道",
    "占用",
    "广场",
    "音响",
    "宠物",
    "医院",
    "挂号",
    "药店",
    "食堂",
    "助餐",
    "晚餐",
    "独居",
    "孩子",
    "托班",
    "图书馆",
    "周末",
    "健身",
    "器材",
    "损坏",
    "公厕",
    "消防",
    "通道",
    "堵塞",
    "外卖",
    "骑手",
    "快递",
    "柜子",
    "收费",
]
RARE = "铁索桥栏杆"
HUB = {"issues": 60, "participants": 200, "commitments": 150}


def address(database: str, folder: Path) -> str:
    """An empty database of that kind."""
    return fresh_database() if database == "postgresql" else f"sqlite:///{folder / 'bench.db'}"


def statement(dice: random.Random) -> str:
    """60 to 300 characters."""
    length, parts = dice.randrange(60, 300), []
    size = 0
    while size < length:
        words = "".join(dice.choice(WORDS) for _ in range(dice.randrange(3, 7)))
        parts.append(words)
        size += len(words) + 1
    return "，".join(parts)[:length] + "。"


def fill(hearings: int, issues: int, commitments: int) -> dict[str, int]:
    """Fill an empty database. Returns the ids that the benchmark asks for."""
    dice = random.Random(9)
    organiser = people.create_user(
        username="organiser", name="周某某", roles=["organiser"], password=PASSWORD, actor=None
    )
    deputies = [
        people.create_user(
            username=f"d{i}", name=f"代表{i}", roles=["deputy"], password=PASSWORD, actor=None, protocol_order=100 + i
        )
        for i in range(60)
    ]
    offices = [
        people.create_department(name=f"区第{i}局", short_name=f"第{i}局", actor=None, position=i) for i in range(25)
    ]
    people.create_user(
        username="department", name="郑某某", roles=["department"], password=PASSWORD, actor=None, department=offices[0]
    )
    stations = [
        schedule.create_station(
            code=f"S{i}", name=f"第{i}联络站", street=f"第{i % 10}街道", address="示例路1号", actor=None
        )
        for i in range(20)
    ]
    db.session.commit()
    ids = {
        "organiser": organiser.id,
        "deputies": [d.id for d in deputies],
        "offices": [o.id for o in offices],
        "stations": [s.id for s in stations],
    }
    _hearings(hearings, ids, dice)
    _issues(issues, hearings, ids, dice)
    _commitments(commitments, issues, ids, dice)
    hub = _hub(ids, dice)
    db.session.commit()
    with db.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        if db.engine.dialect.name == "postgresql":
            connection.execute(text("VACUUM ANALYZE"))
        else:
            connection.exec_driver_sql("INSERT INTO search_fts(search_fts) VALUES ('optimize')")
            connection.exec_driver_sql("ANALYZE")
    return hub


def _bulk(model: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 5000):
        db.session.execute(insert(model), rows[start : start + 5000])
        db.session.commit()


def _texts(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["bigrams"] = " ".join(search.tokens(row["body"]))
    _bulk(SearchEntry, rows)


def _hearings(count: int, ids: Any, dice: random.Random) -> None:
    rows, seats = [], []
    for i in range(1, count + 1):
        day = today() - timedelta(days=(count - i) * 3 + 1)
        start = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)
        rows.append(
            {
                "id": i,
                "kind": "night_hearing",
                "series": "night_hearing",
                "serial_no": i,
                "title": f"第{i}次家门口的民生小事",
                "theme": "民生小事",
                "station_id": dice.choice(ids["stations"]),
                "starts_at": start,
                "ends_at": start + timedelta(hours=2),
                "status": "filed",
                "created_by_id": ids["organiser"],
                "created_at": start,
                "uid": uuid.UUID(int=dice.getrandbits(128)).hex,
                "sequence": 1,
                "changed_at": start,
                "reply_sequence": 0,
            }
        )
        for position, deputy in enumerate(dice.sample(ids["deputies"], 6)):
            seats.append(
                {
                    "hearing_id": i, "user_id": deputy, "position": position, "capacity": "deputy",
                    "listed": "present", "seats": 1, "came": "signed_in", "is_stand_in": False, "is_walk_in": False,
                }
            )  # fmt: skip
    _bulk(Hearing, rows)
    _bulk(Participant, seats)
    _texts([{"kind": "hearing", "subject_id": r["id"], "hearing_id": r["id"], "body": r["title"]} for r in rows])


CLOSED = ("struck_off",) * 12 + ("answered",) * 3 + ("not_accepted",)
OPEN = (*CLOSED, "in_handling", "in_handling", "replied", "replied", "assigned")
RECENT = {"issues": 3_000, "commitments": 4_500}
"""So many of the last rows are of these months; what lies before them has long been closed. In the small office all
are: its people have about as much to do, and what the large one has more is history."""


def _issues(count: int, hearings: int, ids: Any, dice: random.Random) -> None:
    issues, assignments, replies, texts = [], [], [], []
    seen: dict[int, int] = {}
    for i in range(1, count + 1):
        hearing = 1 + (i - 1) * hearings // count
        number = seen[hearing] = seen.get(hearing, 0) + 1
        when = datetime.now(UTC) - timedelta(days=(hearings - hearing) * 3 + 1)
        status = dice.choice(OPEN if i > count - RECENT["issues"] else CLOSED)
        words = statement(dice)
        if i % 20000 == 777 % count:
            words = f"{RARE}，{words}"[:300]
        closed = status in ("struck_off", "answered", "not_accepted")
        issues.append(
            {
                "id": i, "hearing_id": hearing, "number": number, "position": number,
                "lead_deputy_id": dice.choice(ids["deputies"]), "title": words[:20], "statement": words,
                "category": "other", "street": f"第{i % 10}街道", "outcome": "time_limited", "status": status,
                "round": 1, "is_late": False, "written_at": when, "received_at": when,
                "logged_by_id": ids["organiser"], "closed_at": when if closed else None,
            }
        )  # fmt: skip
        texts.append({"kind": "issue", "subject_id": i, "hearing_id": hearing, "issue_id": i, "body": words})
        if status == "not_accepted":
            continue
        office = dice.choice(ids["offices"])
        assignments.append(
            {
                "id": i, "issue_id": i, "round": 1, "department_id": office, "part": "lead",
                "status": "assigned" if status == "assigned" else "replied" if closed else "accepted",
                "assigned_on": when.date(), "due_on": when.date() + timedelta(days=92), "due_basis": "months:3:assigned",
                "respond_by": when.date() + timedelta(days=7), "accepted_by_silence": False, "accepted_at": when,
            }
        )  # fmt: skip
        if closed:
            replies.append(
                {
                    "assignment_id": i, "issue_id": i, "round": 1, "result_class": "A", "text": "已经办结。",
                    "signed_by": "局长", "met_deputy": False, "by_id": ids["organiser"], "at": when,
                }
            )  # fmt: skip
    _bulk(Issue, issues)
    _bulk(Assignment, assignments)
    _bulk(Reply, replies)
    _texts(texts)


def _commitments(count: int, issues: int, ids: Any, dice: random.Random) -> None:
    rows, texts = [], []
    for i in range(1, count + 1):
        issue = 1 + (i - 1) * issues // count
        recent = i > count - RECENT["commitments"]
        when = datetime.now(UTC) - timedelta(days=dice.randrange(1, 120) if recent else dice.randrange(120, 4000))
        status = dice.choice(("kept",) * 3 + ("open", "open") if recent else ("kept",) * 14 + ("released",))
        measure = "完成" + "".join(dice.choice(WORDS) for _ in range(5)) + "整改"
        rows.append(
            {
                "id": i, "issue_id": issue, "round": 1, "position": i, "lead_id": dice.choice(ids["offices"]),
                "measure": measure, "due_on": when.date() + timedelta(days=60), "status": status, "percent": 0,
                "made_at": when, "closed_at": None if status == "open" else when, "sequence": 1, "changed_at": when,
                "uid": uuid.UUID(int=dice.getrandbits(128)).hex,
            }
        )  # fmt: skip
        texts.append({"kind": "commitment", "subject_id": i, "issue_id": issue, "body": measure})
    _bulk(Commitment, rows)
    _texts(texts)


def _hub(ids: Any, dice: random.Random) -> dict[str, int]:
    """One big evening, through the ordinary session (so that ids follow the database's own counters)."""
    if db.engine.dialect.name == "postgresql":
        for table in ("hearing", "issue", "assignment", "commitment"):
            db.session.execute(text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"))
        db.session.commit()
    organiser = db.session.get_one(User, ids["organiser"])
    station = db.session.get_one(schedule.Station, ids["stations"][0])
    evening = datetime.now(UTC) - timedelta(hours=1)
    hearing = schedule.draft_hearing(
        title="议题很多的一晚",
        station=station,
        starts_at=evening,
        ends_at=evening + timedelta(hours=2),
        actor=organiser,
    )
    for deputy in ids["deputies"]:
        schedule.add_person(hearing, db.session.get_one(User, deputy), actor=organiser)
    for i in range(HUB["participants"] - len(ids["deputies"])):
        schedule.add_guest(
            hearing,
            capacity="resident",
            listed="in_attendance",
            name=f"选民{i}",
            actor=organiser,  # type: ignore[arg-type]
        )
    schedule.announce(hearing, actor=organiser)
    schedule.open_session(hearing, actor=organiser)
    db.session.flush()
    from hearings.issues import operations as issues

    offices = [db.session.get_one(Department, i) for i in ids["offices"]]
    made = []
    for _ in range(HUB["issues"]):
        issue = issues.log_issue(
            hearing,
            statement=statement(dice),
            lead_deputy=db.session.get_one(User, dice.choice(ids["deputies"])),
            actor=organiser,
        )
        issues.add_exchange(issue, Exchange.kind.type.enum_class.ANSWER, statement(dice), actor=organiser)  # type: ignore[attr-defined]
        made.append(issue)
    for i in range(HUB["commitments"]):
        issues.make_commitment(
            made[i % len(made)],
            measure="完成整改并公示",
            lead=offices[i % len(offices)],
            due_on=date.today() + timedelta(days=30),
            actor=organiser,
        )
    db.session.commit()
    return {"hub": hearing.id, "issue": made[0].id}
