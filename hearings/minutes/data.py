"""Minutes for machines: what the record says, without prose, and the files that a published PDF carries in it.

`machine()` writes the record down, `associated()` turns finished content into three files: `minutes.json` (described
by `schema.json` beside this file; a change that old readers would not understand gives it another number),
`commitments.csv` and `calendar.ics`. All are pure functions of the content, so the same content gives the same bytes.

No resident is named here, nor what one said. Free text that an office wrote (titles, measures) goes into the public
rendering only where the same words are printed there, so whatever was blackened on paper is gone here as well.
"""

import copy
import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from flask import current_app
from sqlalchemy import select

from ..calendars import ics
from ..db import LOCAL, db
from ..documents import Associated
from ..issues.models import Assignment, Commitment, Issue, Part
from ..reviews.models import AgendaItem
from ..schedule.models import Hearing, HearingKind, HearingStatus
from .queries import Record

FORMAT = "hearings-minutes/1"
"""Name and version of minutes.json; `schema.json` says what is in it."""
STATUS_WORDS = {"open": "办理中", "reported": "已报完成", "kept": "已兑现", "released": "已解除"}
KIND_WORDS = {
    HearingKind.NIGHT_HEARING: "民生夜询会",
    HearingKind.LOOK_BACK: "回头看",
    HearingKind.EVALUATION_MEETING: "绩效评估座谈会",
    HearingKind.GROUP_CONSULTATION: "集体面商",
}
CSV_HEAD = ("编号", "问题", "承诺措施", "主办单位", "会办单位", "承诺时限", "现时限", "状态", "标识")
FORMULA = tuple("=+-@\t\r＝＋－＠")
"""What a spreadsheet takes for the beginning of a formula."""


# -- the record ----------------------------------------------------------------------------------------


def machine(record: Record) -> dict[str, Any]:
    """What the record of a hearing says, as numbers, names of offices and dates: JSON-able, dates in ISO 8601.

    Two statements beside those of the record. See `schema.json`, `$defs/data`.
    """
    hearing, config = record.hearing, current_app.config
    return {
        "source": {
            "organisation": config["ORGANISATION"],
            "host": config["UID_HOST"],
            "url": config["BASE_URL"].rstrip("/") or None,
        },
        "hearing": _meeting(hearing)
        | {
            "number": hearing.code,
            "serial_no": hearing.serial_no,
            "theme": hearing.theme,
            "opened_at": _moment(hearing.opened_at),
            "concluded_at": _moment(hearing.concluded_at),
            "follows": hearing.follows.uid if hearing.follows is not None else None,
        },
        "issues": [_issue(record, issue) for issue in record.issues],
        "commitments": [
            _commitment(record, issue, promise, place)
            for issue in record.issues
            for place, promise in enumerate(record.commitments[issue.id], 1)
        ],
        "look_backs": _look_backs(hearing),
    }


def _meeting(hearing: Hearing) -> dict[str, Any]:
    return {
        "uid": hearing.uid,
        "id": hearing.id,
        "kind": str(hearing.kind),
        "title": hearing.title,
        "place": hearing.place,
        "starts_at": _moment(hearing.starts_at),
        "ends_at": _moment(hearing.ends_at),
        "status": str(hearing.status),
        "sequence": hearing.sequence,
        "created_at": _moment(hearing.created_at),
        "changed_at": _moment(hearing.changed_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(LOCAL).isoformat(timespec="seconds")


def _issue(record: Record, issue: Issue) -> dict[str, Any]:
    deputies = [u.name for u in ([issue.lead_deputy] if issue.lead_deputy else []) + list(issue.cosigners)]
    by_resident = bool(issue.resident or issue.community or not deputies)
    ballot = record.ballots.get(issue.id)
    return {
        "number": issue.reference,
        "id": issue.id,
        "raised_here": issue.id in record.own,
        "raised_by": "resident" if by_resident else "deputy",
        "deputies": deputies,
        "title": issue.title,
        "category": str(issue.category),
        "street": issue.street,
        "outcome": str(issue.outcome) if issue.outcome else None,
        "status": str(issue.status),
        "round": issue.round,
        "is_late": issue.is_late,
        "assigned": _assigned(record.assignments[issue.id]),
        "ballot": None
        if ballot is None
        else {
            "voters": ballot.voters,
            "issued": ballot.issued,
            "satisfied": ballot.satisfied,
            "mostly_satisfied": ballot.mostly_satisfied,
            "dissatisfied": ballot.dissatisfied,
            "invalid": ballot.invalid,
            "verdict": str(ballot.verdict),
            "rule": {k: ballot.rule.get(k) for k in ("denominator", "of", "threshold", "tie_passes")},
        },
        "findings": [
            {
                "verdict": str(f.verdict),
                "commitment": f.commitment.uid if f.commitment else None,
                "percent": f.percent,
                "new_due_on": f.new_due_on.isoformat() if f.new_due_on else None,
            }
            for f in record.findings[issue.id]
        ],
    }


def _assigned(parts: list[Assignment]) -> list[dict[str, Any]]:
    return [
        {
            "department": part.department.name,
            "part": str(part.part),
            "assigned_on": part.assigned_on.isoformat(),
            "due_on": part.due_on.isoformat(),
        }
        for part in sorted(parts, key=lambda p: (p.part == Part.CO_HANDLER, p.id))
    ]


def _commitment(record: Record, issue: Issue, promise: Commitment, place: int) -> dict[str, Any]:
    return {
        "uid": promise.uid,
        "number": f"{issue.reference}-{place}",
        "issue": issue.reference,
        "round": promise.round,
        "measure": promise.measure,
        "lead": promise.lead.name,
        "co_handlers": [d.name for d in promise.co_handlers if d.id != promise.lead_id],
        "first_due_on": record.first_dates.get(promise.id, promise.due_on).isoformat(),
        "due_on": promise.due_on.isoformat(),
        "status": str(promise.status),
        "percent": promise.percent,
        "made_at": _moment(promise.made_at),
        "closed_at": _moment(promise.closed_at),
        "sequence": promise.sequence,
        "changed_at": _moment(promise.changed_at),
    }


def _look_backs(hearing: Hearing) -> list[dict[str, Any]]:
    """The meetings that look back at this one, planned or held, and the promises on the list of each."""
    rows = db.session.scalars(
        select(Hearing)
        .where(
            Hearing.follows_id == hearing.id,
            Hearing.status.not_in((HearingStatus.DRAFT, HearingStatus.DISCARDED)),
        )
        .order_by(Hearing.starts_at, Hearing.id)
    ).all()
    if not rows:
        return []
    listed: dict[int, list[str]] = defaultdict(list)
    for id_, promise in db.session.execute(
        select(AgendaItem.hearing_id, Commitment.uid)
        .join(Commitment, Commitment.issue_id == AgendaItem.issue_id)
        .where(AgendaItem.hearing_id.in_([row.id for row in rows]))
        .order_by(AgendaItem.hearing_id, AgendaItem.position, Commitment.position, Commitment.id)
    ):
        listed[id_].append(promise)
    return [_meeting(row) | {"commitments": listed[row.id]} for row in rows]


# -- for everybody -------------------------------------------------------------------------------------

FREE_TEXT = {
    "hearing": ("title", "theme", "place"),
    "issues": ("title", "street"),
    "commitments": ("measure",),
    "look_backs": ("title", "place"),
}
"""What people wrote, by part of the data."""


def public(data: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without the free text that is not printed, word for word, in the public paper (`content`)."""
    made = copy.deepcopy(dict(data))
    paper = "\n".join(_strings({k: v for k, v in content.items() if k != "data"}))

    def shown(words: str | None) -> bool:
        return bool(words) and str(words).strip().rstrip("。；;，,、.！!") in paper

    for part, keys in FREE_TEXT.items():
        for thing in [made[part]] if part == "hearing" else made[part]:
            for key in keys:
                thing[key] = thing[key] if shown(thing[key]) else None
    for issue in made["issues"]:
        issue["deputies"] = [name for name in issue["deputies"] if shown(name)]
    return made


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _strings(each)


# -- files ---------------------------------------------------------------------------------------------

PAPER = (
    "title", "mark", "serial_no", "code", "organisation", "issuer", "overview", "sections", "attendance",
    "attachments", "cc", "version", "correction_reason",
)  # fmt: skip
SIGNATURES = ("drafted_by", "reviewed_by", "issued_by", "issued_on")


def associated(content: Mapping[str, Any]) -> list[Associated]:
    """The files that go into the PDF of this content; none into a draft, or where there is no data yet.

    Of a public rendering (`kind` is `public`) only what its paper says.
    """
    if content["draft"] or not content.get("data"):
        return []
    data = content["data"]
    if content["kind"] == "public":
        data = public(data, content)
    return [
        Associated("minutes.json", "application/json", to_json(content, data), "纪要正文和数据"),
        Associated("commitments.csv", "text/csv", to_csv(data), "承诺事项清单"),
        Associated("calendar.ics", "text/calendar", to_calendar(data), "承诺到期日和回头看日程", "Supplement"),
    ]


def to_json(content: Mapping[str, Any], data: Mapping[str, Any]) -> bytes:
    """minutes.json: the paper, who signed it, and the data. UTF-8, keys in order."""
    whole = {
        "format": FORMAT,
        "kind": content["kind"],
        "language": content["language"],
        "paper": {key: content.get(key) for key in PAPER},
        "signatures": {key: content.get(key) for key in SIGNATURES},
        "previous_sha256": content.get("previous_sha256"),
        "data": data,
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def to_csv(data: Mapping[str, Any]) -> bytes:
    """commitments.csv for spreadsheets: UTF-8 with its mark in front, else WPS and Excel take it for GBK."""
    titles = {issue["number"]: issue["title"] for issue in data["issues"]}
    sheet = io.StringIO(newline="")
    write = csv.writer(sheet)
    write.writerow(CSV_HEAD)
    for promise in data["commitments"]:
        row = (
            promise["number"],
            titles[promise["issue"]],
            promise["measure"],
            promise["lead"],
            "、".join(promise["co_handlers"]),
            promise["first_due_on"],
            promise["due_on"],
            STATUS_WORDS[promise["status"]],
            promise["uid"],
        )
        write.writerow([cell(words) for words in row])
    return sheet.getvalue().encode("utf-8-sig")


def cell(words: str | None) -> str:
    """Words that no spreadsheet calculates: an apostrophe before what would begin a formula (OWASP)."""
    words = words or ""
    return f"'{words}" if words.lstrip(" 　").startswith(FORMULA) or words.startswith(FORMULA) else words


def to_calendar(data: Mapping[str, Any]) -> bytes:
    """calendar.ics: each promise's due date and each look-back (RFC 5545; no METHOD, it invites nobody)."""
    host, base = data["source"]["host"], data["source"]["url"]
    titles = {issue["number"]: (issue["id"], issue["title"]) for issue in data["issues"]}
    of_this = {issue["number"] for issue in data["issues"] if issue["raised_here"]}
    events = []
    for promise in data["commitments"]:
        issue_id, title = titles[promise["issue"]]
        due = ics.Due(
            uid=promise["uid"],
            sequence=promise["sequence"],
            created=datetime.fromisoformat(promise["made_at"]),
            changed=datetime.fromisoformat(promise["changed_at"]),
            due=date.fromisoformat(promise["due_on"]),
            measure=promise["measure"] or f"{promise['number']} {promise['lead']}",
            url=f"{base}/issues/{issue_id}" if base else "",
            departments=(promise["lead"], *promise["co_handlers"]),
            issue=title,
            percent=promise["percent"],
            hearing_uid=data["hearing"]["uid"] if promise["issue"] in of_this else None,
            kept=promise["status"] == "kept",
            released=promise["status"] == "released",
        )
        events.append(ics.due_event(due, host=host))
    for meeting in data["look_backs"]:
        word = KIND_WORDS[HearingKind(meeting["kind"])]
        occasion = ics.Occasion(
            uid=meeting["uid"],
            sequence=meeting["sequence"],
            created=datetime.fromisoformat(meeting["created_at"]),
            changed=datetime.fromisoformat(meeting["changed_at"]),
            starts=datetime.fromisoformat(meeting["starts_at"]),
            ends=datetime.fromisoformat(meeting["ends_at"]),
            title=meeting["title"] or word,
            place=meeting["place"] or "",
            url=f"{base}/hearings/{meeting['id']}" if base else "",
            station_key="",
            category=word,
            follows_uid=data["hearing"]["uid"],
            reviews=tuple(meeting["commitments"]),
            cancelled=meeting["status"] == HearingStatus.CANCELLED,
            postponed=meeting["status"] == HearingStatus.POSTPONED,
        )
        events.append(ics.event(occasion, host=host, organisation=None))
    return ics.snapshot(events)
