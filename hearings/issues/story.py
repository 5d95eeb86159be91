"""An issue and a promise told as stories: plain dicts, in the order of time, that the templates print."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from .. import workflow
from ..audit import AuditEvent
from ..db import local, today
from ..filters import day, days_until, moment, names
from . import rules
from .limits import basis_words
from .models import (
    EXCHANGE_LABELS,
    OUTCOME_LABELS,
    PART_LABELS,
    Assignment,
    AssignmentStatus,
    Commitment,
    CommitmentStatus,
    ExchangeKind,
    Extension,
    ExtensionStatus,
    Issue,
    IssueFile,
    IssueStatus,
    Part,
    Progress,
)
from .queries import Record

Event = dict[str, Any]

STATUS_TONES: dict[str, dict[Any, str]] = {
    "issue": {
        IssueStatus.REGISTERED: "lamp",
        IssueStatus.RETURNED: "lamp",
        IssueStatus.ASSIGNED: "blue",
        IssueStatus.IN_HANDLING: "blue",
        IssueStatus.REPLIED: "yellow",
        IssueStatus.STRUCK_OFF: "green",
        IssueStatus.ANSWERED: "green",
    },
    "commitment": {
        CommitmentStatus.OPEN: "blue",
        CommitmentStatus.REPORTED: "yellow",
        CommitmentStatus.KEPT: "green",
    },
    "assignment": {
        AssignmentStatus.ASSIGNED: "lamp",
        AssignmentStatus.ACCEPTED: "blue",
        AssignmentStatus.RETURNED: "lamp",
        AssignmentStatus.REPLIED: "green",
    },
}


def tone(entity: str, status: str) -> str:
    """The tone of a status badge."""
    return STATUS_TONES[entity].get(status, "grey")


def class_words(letter: str) -> str:
    """A result class with what it means in this district."""
    return f"{letter}　{current_app.config['RESULT_CLASSES'].get(letter, '')}".rstrip("　")


def file_of(link: IssueFile, remove: bool = False) -> Event:
    """A file as `ui.file_list` takes it."""
    shown: Event = {
        "url": f"/files/{link.id}",
        "name": link.caption or link.file.name,
        "size": link.file.size,
        "thumb_url": f"/files/{link.id}?thumb=1" if link.file.is_image else None,
    }
    if remove:
        shown["remove_url"] = f"/issues/{link.issue_id}/files/{link.id}/remove"
    return shown


def promise(commitment: Commitment) -> Event:
    """A promise as the templates print it: who, what, when, light, and what stood there before."""
    return {
        "id": commitment.id,
        "url": f"/commitments/{commitment.id}",
        "measure": commitment.measure,
        "lead": commitment.lead.short_name,
        "co_handlers": names(commitment.co_handlers),
        "due": day(commitment.due_on),
        "basis": basis_words(commitment.due_basis),
        "left": days_until(commitment.due_on) if commitment.status == CommitmentStatus.OPEN else None,
        "light": rules.light(commitment),
        "status": workflow.label("commitment", commitment.status),
        "tone": tone("commitment", commitment.status),
        "percent": commitment.percent,
        "vague": commitment.vague_words,
        "round": commitment.round,
        "corrected": [
            {"measure": c["measure"], "lead": c["lead"], "due": day(date.fromisoformat(c["due_on"]))}
            for c in commitment.corrected or ()
        ],
    }


def _event(at: datetime, label: Any, **more: Any) -> Event:
    return {"at": at, "label": label, "when": moment(at)} | {k: v for k, v in more.items() if v is not None}


def _ordered(events: Iterable[Event]) -> list[Event]:
    """By time; what happened at once stays in the order it was told."""
    return sorted(events, key=lambda e: e["at"])


def issue_story(
    issue: Issue,
    record: Record,
    reader: Any = None,
    parts: Iterable[Callable[[Issue, Any], list[Event]]] = (),
    more: Iterable[Event] = (),
) -> list[Event]:
    """They said → asked → answered → promised → assigned → reported → replied; later rooms add theirs.

    `more` are further events, told elsewhere. An event is {at, label, when} and what it needs of
    {who, text, tone, url, rows, files, papers, promises, late}.
    """
    events = [*_said(issue, record), *_promised(record)]
    end = issue.hearing.concluded_at
    latest = max((e["at"] for e in events if end is None or e["at"] <= end), default=issue.received_at)
    events += _outcome(issue, latest)
    events += _handled(issue, record)
    events += [e for c in record.commitments for e in _of_promise(c, record)]
    for part in parts:
        events += [{"when": moment(e["at"])} | e for e in part(issue, reader)]
    events += [*more, *_closed(issue)]
    return _ordered(events)


def _said(issue: Issue, record: Record) -> list[Event]:
    who = [issue.lead_deputy.name] if issue.lead_deputy else []
    if issue.resident or issue.community:
        who.append(_("for a resident: %(who)s", who=" ".join(w for w in (issue.community, issue.resident) if w)))
    rows = []
    if issue.cosigners:
        rows.append((_("Co-signed by"), names(issue.cosigners)))
    if issue.place or issue.street:
        rows.append((_("Place"), "　".join(w for w in (issue.street, issue.place) if w)))
    if issue.topic:
        rows.append((_("Topic"), issue.topic.title))
    own = [file_of(f) for f in record.files if f.commitment_id is None and f.reply_id is None and f.progress_id is None]
    first = _event(
        issue.received_at,
        _("They said"),
        who=_(", ").join(who) or None,
        text=issue.statement,
        tone="lamp",
        rows=rows or None,
        files=own or None,
        late=issue.is_late or None,
    )
    tones = {ExchangeKind.ANSWER: "blue"}
    turns = [
        _event(
            max(turn.at, issue.received_at),
            EXCHANGE_LABELS[turn.kind],
            who=" ".join(w for w in (turn.department.short_name if turn.department else "", turn.speaker) if w) or None,
            text=turn.text,
            tone=tones.get(turn.kind),
        )
        for turn in record.exchanges
    ]
    return [first, *turns]


def _promised(record: Record) -> list[Event]:
    events = []
    for number in sorted({c.round for c in record.commitments}):
        mine = [c for c in record.commitments if c.round == number]
        label = _("Promised") if number == 1 else _("Promised in round %(number)d", number=number)
        events.append(_event(min(c.made_at for c in mine), label, tone="blue", promises=[promise(c) for c in mine]))
    return events


def _outcome(issue: Issue, at: datetime) -> list[Event]:
    if issue.outcome is None:
        return []
    note = issue.outcome_note if issue.status != IssueStatus.TRANSFERRED else None
    text = str(OUTCOME_LABELS[issue.outcome]) + (f"：{note}" if note else "")
    return [_event(at, _("Decided on the spot"), text=text)]


def _handled(issue: Issue, record: Record) -> list[Event]:
    events = []
    evening = issue.hearing.concluded_at or issue.hearing.starts_at
    for number in sorted({a.round for a in record.assignments}):
        mine = [a for a in record.assignments if a.round == number]
        at = max(local(min(a.assigned_on for a in mine), time(0)), evening)
        at = max([at, *(a.accepted_at for a in mine if a.accepted_at and _went_on(a))])
        events.append(
            _event(
                at,
                _("Assigned") if number == 1 else _("Handled again, round %(number)d", number=number),
                text=mine[0].requirement,
                tone="blue" if number == 1 else "lamp",
                rows=[(PART_LABELS[a.part], f"{a.department.name}，{limit_words(a)}") for a in mine],
            )
            | {"when": day(at)}
        )
    by_id = {a.id: a for a in record.assignments}
    for a in record.assignments:
        if a.accepted_at and not _went_on(a):
            words = _("Counts as accepted") if a.accepted_by_silence else _("Accepted")
            events.append(_event(a.accepted_at, words, who=a.department.short_name))
        if a.returned_at and a.return_reason:
            events.append(
                _event(a.returned_at, _("Returned"), who=a.department.short_name, text=a.return_reason, tone="lamp")
            )
    events += [_progress(p, by_id[p.assignment_id].department.short_name, record.files) for p in record.progress]
    files = record.files
    for reply in record.replies:
        rows = [(_("Result class"), class_words(reply.result_class))]
        if reply.next_step:
            rows.append((_("Next step"), reply.next_step))
        rows.append((_("Signed by"), reply.signed_by))
        if reply.contact:
            rows.append((_("Contact"), reply.contact))
        if reply.met_deputy:
            rows.append((_("Talk with the deputy"), _("face to face")))
        attached = [file_of(f) for f in files if f.reply_id == reply.id]
        events.append(
            _event(
                reply.at,
                _("Replied, class %(letter)s", letter=reply.result_class.value),
                who=by_id[reply.assignment_id].department.short_name,
                text=reply.text,
                tone="blue",
                rows=rows,
                files=attached or None,
            )
        )
    return events


def _went_on(a: Assignment) -> bool:
    """Whether a new round began with the department that had the one before, which was not asked to accept again."""
    return a.respond_by <= a.assigned_on


def limit_words(a: Assignment) -> str:
    """An assignment's limit with its basis, in one line."""
    return _("reply by %(day)s (%(basis)s)", day=day(a.due_on), basis=basis_words(a.due_basis))


def _progress(line: Progress, who: str, files: Iterable[IssueFile]) -> Event:
    label = _("Progress") if line.percent is None else _("Progress, %(percent)d%%", percent=line.percent)
    shown = [file_of(f) for f in files if f.progress_id == line.id]
    return _event(line.at, label, who=who, text=line.text, files=shown or None)


def _of_promise(c: Commitment, record: Record) -> list[Event]:
    files = [f for f in record.files if f.commitment_id == c.id]
    return [*_moved(e for e in record.extensions if e.commitment_id == c.id), *_settled(c, files)]


def _moved(extensions: Iterable[Extension]) -> list[Event]:
    events = []
    for e in extensions:
        label = {
            ExtensionStatus.ASKED: _("Extension asked for"),
            ExtensionStatus.GRANTED: _("Date moved"),
            ExtensionStatus.REFUSED: _("Extension refused"),
            ExtensionStatus.WITHDRAWN: _("Extension no longer needed"),
        }[e.status]
        rows = [(_("Due date"), f"{day(e.old_due_on)} → {day(e.new_due_on)}"), (_("Asked by"), e.asked_by.name)]
        if e.decided_at:
            rows.append((_("Decided on"), day(e.decided_at)))
        if e.decision_note:
            rows.append((_("Note"), e.decision_note))
        events.append(_event(e.decided_at or e.asked_at, label, text=e.reason, rows=rows, tone="lamp"))
    return events


def _settled(c: Commitment, files: Sequence[IssueFile]) -> list[Event]:
    events = []
    if c.reported_at and c.status != CommitmentStatus.RELEASED:
        events.append(
            _event(
                c.reported_at,
                _("Reported done"),
                who=c.lead.short_name,
                text=c.report,
                rows=[(_("Measure"), c.measure)],
                files=[file_of(f) for f in files if f.progress_id is None] or None,
                tone="green",
            )
        )
    if c.closed_at:
        kept = c.status == CommitmentStatus.KEPT
        events.append(
            _event(
                c.closed_at,
                workflow.label("commitment", c.status),
                text=None if kept else c.report,
                rows=[(_("Measure"), c.measure)],
                tone="green" if kept else None,
            )
        )
    return events


def _closed(issue: Issue) -> list[Event]:
    if not issue.closed_at:
        return []
    told = issue.outcome_note if issue.status in (IssueStatus.NOT_ACCEPTED, IssueStatus.TRANSFERRED) else None
    return [_event(issue.closed_at, workflow.label("issue", issue.status), text=told, tone="green")]


def urged(lines: Iterable[AuditEvent], record: Record, read: Iterable[int] = ()) -> list[Event]:
    """Reminded, supervised: what departments were told in writing (`queries.urged`).

    The supervision sheet stands beside the last order while something is overdue, for those who may read it.
    """
    lines = list(lines)
    last = {line.subject_id: line.id for line in lines if line.action == "assignment.supervise"}
    by_id = {a.id: a for a in record.assignments}
    events = []
    for line in lines:
        a = by_id[line.subject_id or 0]
        may_print = a.id in read and line.id == last.get(a.id)
        sheets = [p for p in _papers(a, record) if may_print and p["url"].endswith("supervision")]
        events.append(_urge(line, a.department.name, sheets))
    return events


def _urge(line: AuditEvent, department: str, sheets: Sequence[Any] = ()) -> Event:
    """One reminder or order in writing."""
    rows = [(_("Department"), department)]
    words, who = line.details.get("reason"), line.actor_name
    if line.action == "assignment.remind":
        return _event(line.at, _("Reminded in writing"), who=who, text=words, rows=rows)
    rows.append((_("New limit"), day(date.fromisoformat(line.details["new_due_on"]))))
    return _event(line.at, _("Supervised"), who=who, text=words, rows=rows, tone="lamp", papers=list(sheets) or None)


def rounds(
    issue: Issue, record: Record, read: Iterable[int] = (), acts: Mapping[int, list[Event]] | None = None
) -> list[Event]:
    """Each round's departments and answers, for `ui.rounds`; with papers for the assignments in `read`.

    `acts` are buttons that stand beside an assignment, by its id.
    """
    shown = []
    for number in sorted({a.round for a in record.assignments} | ({issue.round} if record.assignments else set())):
        mine = [a for a in record.assignments if a.round == number]
        shown.append(
            {
                "title": _("Round %(number)d", number=number),
                "current": number == issue.round and not issue.is_closed,
                "note": mine[0].requirement if mine and number > 1 else None,
                "handled": [_department(a, record, a.id in read) | {"acts": (acts or {}).get(a.id, [])} for a in mine],
            }
        )
    return shown


def _department(a: Assignment, record: Record, may_read: bool) -> Event:
    waiting = a.status in (AssignmentStatus.ASSIGNED, AssignmentStatus.ACCEPTED) and a.part != Part.CO_HANDLER
    if a.status == AssignmentStatus.ASSIGNED and a.respond_by >= today():
        taken = _("may be returned until %(day)s; then it counts as accepted", day=day(a.respond_by))
    elif a.accepted_by_silence or a.status == AssignmentStatus.ASSIGNED:
        taken = _("no answer within the limit: counts as accepted")
    elif a.accepted_at:
        taken = _("accepted on %(day)s", day=day(a.accepted_at))
    else:
        taken = None
    return {
        "id": a.id,
        "name": a.department.name,
        "part": PART_LABELS[a.part],
        "status": workflow.label("assignment", a.status),
        "tone": tone("assignment", a.status),
        "light": rules.light(a.due_on) if waiting else None,
        "limit": limit_words(a),
        "taken": taken,
        "returned": a.return_reason,
        "papers": _papers(a, record) if may_read else [],
        "replies": [
            {
                "letter": r.result_class.value,
                "words": class_words(r.result_class),
                "text": r.text,
                "next_step": r.next_step,
                "when": day(r.at),
                "signed_by": r.signed_by,
                "papers": [
                    {"url": f"/assignments/{a.id}/papers/{key}", "query": f"?reply={r.id}", "label": words}
                    for key, words in (("reply", _("Reply letter")), ("feedback", _("Feedback form")))
                    if may_read and (key == "reply" or a.part != Part.CO_HANDLER)
                ],
            }
            for r in record.replies
            if r.assignment_id == a.id
        ],
    }


def _papers(a: Assignment, record: Record) -> list[Event]:
    """What can be printed of an assignment now: its sheet, and a supervision sheet when something is overdue."""
    papers = [("sheet", _("Assignment sheet"))]
    if rules.overdue(a, record.commitments):
        papers.append(("supervision", _("Supervision sheet")))
    return [{"url": f"/assignments/{a.id}/papers/{key}", "query": "", "label": words} for key, words in papers]


def promise_story(
    c: Commitment,
    extensions: Sequence[Extension],
    progress: Sequence[Progress],
    files: Sequence[IssueFile],
    urged: Iterable[AuditEvent] = (),
) -> list[Event]:
    """One promise: made, corrected, moved, how far, urged, reported, kept."""
    made = promise(c)
    rows = [(_("Due on"), made["due"] if not extensions else day(extensions[0].old_due_on))]
    if c.due_basis:
        rows.append((_("Basis"), basis_words(c.due_basis)))
    events = [_event(c.made_at, _("Promised"), who=c.lead.name, text=c.measure, tone="blue", rows=rows)]
    for was in c.corrected or ():
        events.append(
            _event(
                datetime.fromisoformat(was["at"]),
                _("Recording error corrected; before it read"),
                struck=f"{was['measure']}（{was['lead']}，{day(date.fromisoformat(was['due_on']))}）",
            )
        )
    events += _moved(extensions)
    events += [_urge(line, c.lead.name) for line in urged]
    events += [_progress(p, p.assignment.department.short_name, files) for p in progress]
    events += _settled(c, files)
    return _ordered(events)
