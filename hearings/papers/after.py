"""Papers made after a hearing: assignment and supervision sheets, reply letters, ballots, look-back reports.

Each composer reads the record in a number of statements that does not grow and returns the dict of its template
(templates/documents). Contents after domain.md §5.1; Chinese, whatever the reader's language. They go to departments,
deputies and the room, so residents stand on them without name and without phone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from .. import audit, workdays
from ..audit import AuditEvent
from ..db import LOCAL, db, now, today
from ..errors import RuleBroken
from ..issues import queries as issues
from ..issues import rules
from ..issues.limits import basis_on_paper
from ..issues.models import (
    Assignment,
    AssignmentStatus,
    Commitment,
    CommitmentStatus,
    Exchange,
    Extension,
    ExtensionStatus,
    Issue,
    IssueStatus,
    Outcome,
    Part,
    Progress,
    Reply,
)
from ..minutes import content as minutes
from ..minutes.content import DENOMINATORS, VERDICT_WORDS, clause, day_words, heading_of, quoted, sentence
from ..people.models import Department
from ..reviews.models import AgendaItem, Ballot, BallotVerdict, Finding, FindingFile, Verdict
from ..schedule.models import Hearing, HearingKind, Topic
from . import queries
from .before import BLANK, discreet, meeting_name
from .registry import Group, Paper, State, announced, register, register_for_assignments

BOX = "□"
"""To be ticked by hand. In GB2312, so every typeface of the house has it; ☐ is in none of them."""
LINE = "　"
"""An empty line to write on."""
PHOTOS = 40
"""Photos printed in one report; more are named by number."""
PART_WORDS = {Part.LEAD: "主办", Part.CO_HANDLER: "会办", Part.SPLIT: "分办"}
GRADES = f"{BOX}满意　　{BOX}基本满意　　{BOX}不满意"
FINDING_WORDS = {
    Verdict.STRIKE_OFF: "同意销号",
    Verdict.KEEP_TRACKING: "继续跟踪",
    Verdict.HANDLE_AGAIN: "重新办理",
    Verdict.ESCALATE: "提请上级协调",
}
LABELS = {"出席": "出　　席", "列席": "列　　席", "旁听": "旁　　听"}
BOXES = {"all": "", "deputies": "代表票箱", "residents": "选民票箱"}
MANNERS = {
    HearingKind.LOOK_BACK: "现场回头看",
    HearingKind.EVALUATION_MEETING: "绩效评估座谈会",
}
REPORTED_ON = tuple(MANNERS)
"""Kinds of meetings that a look-back report is made of."""

# -- words ---------------------------------------------------------------------------------------------


def _day(moment: datetime) -> date:
    return moment.astimezone(LOCAL).date()


def _frame(title: str) -> dict[str, Any]:
    config = current_app.config
    return {
        "language": "zh-CN",
        "organisation": config["ORGANISATION"],
        "title": title,
        "single_sided": bool(config["SINGLE_SIDED"]),
    }


def _office() -> str:
    return str(current_app.config["OFFICE_NAME"])


def _raised_by(issue: Issue) -> str:
    """Who raised it; a resident as 选民代表, never by name."""
    deputies = _deputies(issue)
    if issue.resident or issue.community or not deputies:
        return f"选民代表提出（{deputies[0]}代为提出）" if deputies else "选民代表提出"
    return f"区人大代表{'、'.join(deputies)}提出"


def _deputies(issue: Issue) -> list[str]:
    return [u.name for u in ([issue.lead_deputy] if issue.lead_deputy else []) + list(issue.cosigners)]


def _measure(promise: Commitment, due: date) -> str:
    """2021年4月16日前清理…; without the date when the words say it."""
    words = clause(promise.measure)
    return words if day_words(due, due.year) in words else f"{day_words(due)}前{words}"


def _hands(promise: Commitment) -> str:
    helpers = "、".join(d.name for d in promise.co_handlers)
    return f"（{promise.lead.name}" + (f"；{helpers}配合" if helpers else "") + "）"


def _lines(words: str | None) -> list[str]:
    return [line.strip() for line in (words or "").splitlines() if line.strip()]


def _names(offices: Iterable[Department]) -> str:
    return "、".join(d.name for d in offices)


# -- what they are composed from -----------------------------------------------------------------------


@dataclass
class Case:
    """An assignment with everything its papers name."""

    assignment: Assignment
    issue: Issue
    record: issues.Record
    lines: Sequence[AuditEvent]
    """The trail of this department's assignments of the issue, oldest first."""

    @property
    def parts(self) -> list[Assignment]:
        """Everybody who holds the issue in the same round; of a returned assignment: who held it until then."""
        own = self.assignment
        gone = own.status == AssignmentStatus.RETURNED
        return [
            a
            for a in self.record.assignments
            if a.round == own.round and (a.status != AssignmentStatus.RETURNED or a.id == own.id)
            if not (gone and a.id > own.id)
        ]

    @property
    def leads(self) -> list[Department]:
        return [a.department for a in self.parts if a.part != Part.CO_HANDLER]

    @property
    def helpers(self) -> list[Department]:
        return [a.department for a in self.parts if a.part == Part.CO_HANDLER]

    def first_due(self, promise: Commitment) -> date:
        """The date as it was given first."""
        return self.due_at(promise, None)

    def due_at(self, promise: Commitment, moment: datetime | None) -> date:
        """The date that stood at a moment (None: at the beginning): extensions granted later are not known yet."""
        for e in self.granted(promise):
            if moment is None or (e.decided_at is not None and e.decided_at > moment):
                return e.old_due_on
        return promise.due_on

    def granted(self, promise: Commitment) -> list[Extension]:
        """Extensions of a promise that were granted, oldest first."""
        return [
            e for e in self.record.extensions if e.commitment_id == promise.id and e.status == ExtensionStatus.GRANTED
        ]

    def owed_at(self, moment: datetime) -> list[Commitment]:
        """Promises made by then, not yet reported as done and not released."""
        return [
            c
            for c in self.record.commitments
            if c.made_at <= moment
            and (c.closed_at is None or c.closed_at > moment)
            and (c.reported_at is None or c.reported_at > moment)
        ]


def case_of(assignment: Assignment) -> Case:
    """Fetch it: eight statements, however much there is."""
    issue = (
        db.session.scalars(select(Issue).where(Issue.id == assignment.issue_id).options(*issues.whole_issue()))
        .unique()
        .one()
    )
    record = issues.record_of(issue)
    mine = [a.id for a in record.assignments if a.department_id == assignment.department_id]
    lines = db.session.scalars(
        select(AuditEvent)
        .where(AuditEvent.subject_type == "assignment", AuditEvent.subject_id.in_(mine))
        .order_by(AuditEvent.id)
    ).all()
    return Case(assignment, issue, record, lines)


def _grouped(rows: Iterable[Any], key: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return found


# -- assignment sheet 交办单 ----------------------------------------------------------------------------


def assignment_sheet(assignment: Assignment) -> dict[str, Any]:
    """What a department is to do: source, trouble, demand, measures, limit, how to answer; with a receipt strip.

    In: an assignment of any part and round. Out: the dict for template `paper`. Measures stand with the date given
    first; a date that moved is told beside it.
    """
    case = case_of(assignment)
    issue, a = case.issue, assignment
    number = issue.reference + (f"（第{a.round}轮）" if a.round > 1 else "")
    summary: list[list[Any]] = [
        ["承办单位", f"{a.department.name}（{PART_WORDS[a.part]}）"],
        ["交办日期", day_words(a.assigned_on)],
        ["问题来源", _source(issue)],
        ["问题摘要", [heading_of(issue.title), *_lines(discreet(sentence(issue.statement), issue))]],
        ["具体要求", _lines(discreet(a.requirement or "", issue)) or [_demand(a)]],
    ]
    if a.part == Part.CO_HANDLER or len(case.leads) > 1:
        summary.append(["主办单位" if a.part != Part.SPLIT else "分办单位", _names(case.leads)])
    if case.helpers:
        summary.append(["会办单位", _names(case.helpers)])
    summary += [
        *_promised(case),
        ["办结时限", f"{day_words(a.due_on)}前（{basis_on_paper(a.due_basis)}）"],
        ["反馈要求", _feedback(a)],
        ["签　　收", _signed_for(case)],
        ["经 办 人", f"{_officer(case)}　联系电话："],
    ]
    return _frame(f"{meeting_name(issue.hearing)}问题交办单") | {
        "code": number,
        "summary": summary,
        "signature": {"organ": _office(), "date": day_words(a.assigned_on), "sealed": True},
        "receipt": {
            "title": f"回　执　联（签收后裁下，送{_office()}）",
            "rows": [
                ["交 办 单", f"{number}　{clause(issue.title)}"],
                ["承办单位", a.department.name],
                ["签收人", f"{BLANK}{BLANK}联系电话："],
                ["签收时间", "　　　　年　　月　　日　　时"],
                ["有无异议", f"{BOX}无　　{BOX}有："],
            ],
        },
    }


def _source(issue: Issue) -> str:
    hearing = issue.hearing
    where = hearing.station.name
    return f"{meeting_name(hearing)}（{day_words(hearing.day)}，{where}），{_raised_by(issue)}"


def _demand(a: Assignment) -> str:
    if a.part == Part.CO_HANDLER:
        return "配合主办单位办理，按照承诺的措施和时限完成本单位承担的工作。"
    return "按照会上承诺的措施和时限办理，落实责任人，办理结果书面答复提出问题的代表。"


def _promised(case: Case) -> list[list[str]]:
    """Measures that bind in this round, with who and when: a row each, so no page ends in the middle of one."""
    a = case.assignment

    def binds(promise: Commitment) -> bool:
        if promise.closed_at is None:
            return True
        if a.round > 1 and a.accepted_at is not None:  # handed on as accepted: what was kept before is past
            return promise.closed_at > a.accepted_at
        return _day(promise.closed_at) >= a.assigned_on

    due = [c for c in case.record.commitments if c.round <= a.round and binds(c)]
    rows = []
    for n, promise in enumerate(due, 1):
        later = f"（经批准延期至{day_words(promise.due_on)}）" if case.granted(promise) else ""
        said = f"{_measure(promise, case.first_due(promise))}{_hands(promise)}{later}。"
        rows.append([f"承诺措施{n}" if len(due) > 1 else "承诺措施", said])
    if not rows and a.round > 1 and case.record.commitments:
        return [["承诺措施", "此前承诺的措施已报完成，按本次要求重新办理。"]]
    return rows or [["承诺措施", "会上未作出有时限的承诺。"]]


def _feedback(a: Assignment) -> list[str]:
    classes = current_app.config["RESULT_CLASSES"]
    if a.part == Part.CO_HANDLER:
        lines = [f"会办意见书面送主办单位汇总答复，注明联系人和联系电话，抄送{_office()}。"]
    else:
        meanings = "；".join(f"{letter} {words}" for letter, words in classes.items())
        lines = [
            f"以答复函答复提出问题的代表，附征询意见表，注明联系人和联系电话，抄送{_office()}。",
            f"答复函首页右上角注明办理结果类别：{meanings}。",
            "承诺事项未完成的，完成后再次答复。不能按期完成的，到期前书面申请延期。",
        ]
    if a.respond_by > a.assigned_on:
        lines.append(f"不属本单位职责的，{day_words(a.respond_by)}前书面说明理由退回；期满未退回的视为签收。")
    else:  # a round handed on: accepted already
        lines.append("重新办理的，由原承办单位继续承办。")
    return lines


def _signed_for(case: Case) -> list[str]:
    """Lines to sign on, or what the system knows of it."""
    a = case.assignment
    if a.status == AssignmentStatus.RETURNED and a.returned_at is not None:
        return [f"{day_words(_day(a.returned_at))}退回，理由：{sentence(a.return_reason or '')}"]
    if a.accepted_at is not None:
        who = next((e.actor_name for e in reversed(case.lines) if _is(e, a, "assignment.accept")), None)
        if a.accepted_by_silence or (who is None and a.round > 1):
            how = "期满未退回，视为签收" if a.accepted_by_silence else "重新办理，由原承办单位继续承办"
            return [f"{day_words(_day(a.accepted_at))}（{how}）"]
        return [f"{who or ''}　{day_words(_day(a.accepted_at))}（在系统中签收）"]
    return [f"签收人：{BLANK}{BLANK}签收时间：　　年　　月　　日　　时", f"有无异议：{BOX}无　　{BOX}有："]


def _is(line: AuditEvent, a: Assignment, action: str) -> bool:
    return line.action == action and line.subject_id == a.id


def _officer(case: Case) -> str:
    """Who issued it, from the trail."""
    made = [e.actor_name for e in case.lines if _is(e, case.assignment, "assignment.make")]
    return made[-1] if made else BLANK


# -- supervision sheet 督办单 ---------------------------------------------------------------------------


def _overdue(case: Case, on: date) -> list[tuple[str, date]]:
    """What this department owes past its date: (words, date)."""
    found = rules.overdue(case.assignment, case.record.commitments, on)
    return [(clause(promise.measure) if promise else "书面答复提出问题的代表", due) for promise, due in found]


def why_not_supervised(assignment: Assignment) -> Any:
    """None when something of the assignment is overdue, else a sentence. At most three statements."""
    promises = db.session.scalars(select(Commitment).where(Commitment.issue_id == assignment.issue_id))
    if rules.overdue(assignment, promises):
        return None
    return _("Nothing of this assignment is overdue: a supervision sheet is not possible.")


def supervision_sheet(assignment: Assignment, *, new_limit: date | None = None) -> dict[str, Any]:
    """What is overdue and by how much, what was said about it before, and room for the leader's word.

    Of the last order (`operations.supervise_assignment`) it carries who issued it, what was said and the limit; without
    one there is room to write. `new_limit` goes before. Raises RuleBroken when nothing is overdue today.
    """
    case = case_of(assignment)
    a, issue, on = assignment, case.issue, today()
    owed = _overdue(case, on)
    if not owed:
        raise RuleBroken(_("Nothing of this assignment is overdue: a supervision sheet is not possible."))
    table = workdays.overrides()
    late = [
        f"{n}. {what}：时限{day_words(due)}，已逾期{(on - due).days}天（自然日），"
        f"合{workdays.workdays_between(due, on, table)}个工作日。"
        for n, (what, due) in enumerate(owed, 1)
    ]
    number = issue.reference + (f"（第{a.round}轮）" if a.round > 1 else "")
    order = next((e for e in reversed(audit.standing(case.lines)) if _is(e, a, "assignment.supervise")), None)
    if order is not None and new_limit is None:
        new_limit = date.fromisoformat(order.details["new_due_on"])
    limit = f"{day_words(new_limit)}前" if new_limit else "　　　　年　　月　　日前"
    said = sentence(order.details["reason"]) if order is not None else ""
    return _frame(f"{meeting_name(issue.hearing)}问题督办单") | {
        "code": f"{number}（督办）",
        "summary": [
            ["督办对象", f"{a.department.name}（{PART_WORDS[a.part]}）"],
            [
                "交 办 单",
                f"{number}号，{day_words(a.assigned_on)}交办，办结时限{day_words(a.due_on)}（{basis_on_paper(a.due_basis)}）",
            ],
            ["问　　题", heading_of(issue.title)],
            ["逾期事项", late],
            ["此前催办", _reminders(case, before=order) or "无记录"],
            ["延期情况", _extensions(case) or "未申请延期"],
            ["督办要求", f"{said}请说明逾期原因，落实责任人和措施，在新时限前完成，并书面报告结果。"],
            ["新 时 限", limit],
            ["经 办 人", f"{order.actor_name if order is not None else BLANK}　联系电话："],
            ["领导批示", [LINE, LINE, LINE, LINE, f"签名：{BLANK}　　　年　　月　　日"]],
        ],
        "signature": {"organ": _office(), "date": day_words(on), "sealed": True},
        "receipt": {
            "title": f"回　执　联（签收后裁下，送{_office()}）",
            "rows": [
                ["督办单编号", f"{number}（督办）"],
                ["督办对象", a.department.name],
                ["签收人", f"{BLANK}{BLANK}联系电话："],
                ["签收时间", "　　　　年　　月　　日　　时"],
            ],
        },
    }


_CHASED = {"assignment.remind": "催办", "assignment.supervise": "督办"}


def _reminders(case: Case, *, before: AuditEvent | None) -> list[str]:
    """What was written to the department, up to an order."""
    lines = []
    for e in audit.standing(case.lines):
        if before is not None and e.id >= before.id:
            break
        if e.action in _CHASED:
            said = e.details.get("reason") or e.details.get("note") or e.details.get("text")
            words = f"：{sentence(str(said))}" if said else "。"
            lines.append(f"{day_words(_day(e.at))}{_CHASED[e.action]}（{e.actor_name}）{words}")
    return lines


def _extensions(case: Case) -> list[str]:
    results = {ExtensionStatus.GRANTED: "已批准", ExtensionStatus.REFUSED: "未批准", ExtensionStatus.ASKED: "待决定"}
    mine = {c.id: c for c in case.record.commitments if c.lead_id == case.assignment.department_id}
    return [
        f"{quoted(clause(mine[e.commitment_id].measure))}由{day_words(e.old_due_on)}延至{day_words(e.new_due_on)}，"
        f"{results[e.status]}；理由：{sentence(e.reason)}"
        for e in case.record.extensions
        if e.commitment_id in mine
    ]


# -- reply letter 答复函 and feedback form 征询意见表 --------------------------------------------------------


def latest_reply(assignment: Assignment) -> Reply | None:
    """The last reply given on an assignment. One statement."""
    return db.session.scalar(
        select(Reply).where(Reply.assignment_id == assignment.id).order_by(Reply.at.desc(), Reply.id.desc()).limit(1)
    )


def why_no_letter(assignment: Assignment) -> Any:
    """None when there is a reply to print, else a sentence."""
    if latest_reply(assignment) is not None:
        return None
    return _("The department has not replied yet: there is no letter to print.")


def why_no_form(assignment: Assignment) -> Any:
    """None when there is a letter to a deputy to give an opinion on, else a sentence."""
    if assignment.part == Part.CO_HANDLER:
        return _("A co-handler's opinion goes to the lead; deputies are asked about the lead's letter.")
    return why_no_letter(assignment)


def _answered(assignment: Assignment) -> Reply:
    reply = latest_reply(assignment)
    if reply is None:
        raise RuleBroken(_("The department has not replied yet: there is no letter to print."))
    return reply


def reply_letter(reply: Reply) -> dict[str, Any]:
    """A department's answer as a letter to the deputies, its class letter at the top right; a co-handler's to the lead.

    Told as of the day it was given: what was promised and owed then, with the dates that stood then. The feedback
    form is attached.
    """
    case = case_of(reply.assignment)
    issue, a = case.issue, case.assignment
    helping = a.part == Part.CO_HANDLER and bool(case.leads)
    subject = f"{heading_of(issue.title)}的{'会办意见' if helping else '答复'}"
    meeting, title = meeting_name(issue.hearing), clause(issue.title)
    if helping:
        opening = (
            f"{meeting}{issue.reference}号问题（{title}）由{_names(case.leads)}主办、我单位会办。现提出会办意见如下："
        )
    else:
        who = "您代选民" if issue.resident or issue.community else "您"
        opening = f"{who}在{meeting}上提出的{quoted(title)}（编号{issue.reference}）收悉。现答复如下："
    done = [discreet(line, issue) for line in _lines(reply.text)]
    next_ = _lines(discreet(reply.next_step or "", issue))
    owed = [c for c in case.owed_at(reply.at) if not helping or c.lead_id == a.department_id]
    next_ += [f"{n}. {_still_owed(case, c, reply.at)}" for n, c in enumerate(owed, 1)]
    met = ["办理过程中，已与代表当面沟通。"] if reply.met_deputy else []
    days = current_app.config["CONFIRM_WORKDAYS"]
    thanks = f"感谢您对这项工作的关心和支持。请填写所附征询意见表，收到之日起{days}个工作日内送{_office()}。"
    last = [] if helping else [thanks]
    told = {"一、办理情况": [*done, *met], "二、下一步工作": [*next_, *last]}
    contact = f"联系人及电话：{reply.contact}" if reply.contact else f"联系人：{BLANK}　联系电话：{BLANK}"
    helpers = [d.name for d in (case.leads if helping else case.helpers) if d.id != a.department_id]
    letter = _frame(subject) | {
        "letter": reply.result_class.value,
        "code": issue.reference,
        "addressee": f"{_names(case.leads)}：" if helping else _addressee(issue),
        "paragraphs": [opening] if next_ else [opening, *done, *met, *last],
        "sections": [{"heading": h, "paragraphs": lines} for h, lines in told.items()] if next_ else [],
        "signature": {"organ": a.department.name, "date": day_words(_day(reply.at)), "sealed": True},
        "remark": f"签发人：{reply.signed_by}　{contact}",
        "cc": [_office(), *(n for n in current_app.config["MINUTES_CC"] if "政府" in n), *([] if helping else helpers)],
        "issuer": a.department.name,
        "issued_on": day_words(_day(reply.at)),
    }
    if not helping:
        letter["attachments"] = [{"title": "办理情况征询意见表"} | _questions(reply, case)]
    return letter


def _still_owed(case: Case, promise: Commitment, moment: datetime) -> str:
    return f"{_measure(promise, case.due_at(promise, moment))}{_hands(promise)}。"


def _addressee(issue: Issue) -> str:
    """The deputies by name; 代表 after the names unless they carry it (as those of the example do)."""
    deputies = _deputies(issue)
    if not deputies:
        return "提出问题的代表："
    return "、".join(n if n.startswith("代表") else f"{n}代表" for n in deputies) + "："


def feedback_form(reply: Reply) -> dict[str, Any]:
    """What the deputy fills in after reading the letter: two questions, room for an opinion, a signature."""
    case = case_of(reply.assignment)
    days = current_app.config["CONFIRM_WORKDAYS"]
    return _frame("办理情况征询意见表") | {
        "code": case.issue.reference,
        "paragraphs": [
            f"请在相应的{BOX}内打“√”，收到答复之日起{days}个工作日内送{_office()}。",
        ],
        "tables": [_questions(reply, case)],
    }


def _questions(reply: Reply, case: Case) -> dict[str, Any]:
    classes = current_app.config["RESULT_CLASSES"]
    letter = reply.result_class.value
    return {
        "columns": ["项　目", "内　容"],
        "widths": [25, 75],
        "rows": [
            ["问　　题", f"{case.issue.reference}　{clause(case.issue.title)}"],
            ["提出代表", "、".join(_deputies(case.issue))],
            ["答　　复", f"{case.assignment.department.name}，{day_words(_day(reply.at))}"],
            ["办理结果类别", f"{letter}　{classes.get(letter, '')}".rstrip("　")],
            ["是否当面沟通", f"{BOX}是　　{BOX}否"],
            ["对办理工作", GRADES],
            ["对办理结果", GRADES],
            ["意见和建议", ""],
            ["", ""],
            ["", ""],
            ["代表签名", ""],
            ["日　　期", "　　　　年　　月　　日"],
        ],
        "note": "注：对办理结果不满意的，请写明理由，有关单位将重新办理并再次答复。",
        "tall": True,
    }


# -- ballot paper 测评票 and result table 测评结果表 ---------------------------------------------------------


@dataclass
class Put:
    """One line of a ballot: what the room votes on."""

    number: str
    title: str
    answering: str


def _put_to_vote(hearing: Hearing) -> list[Put]:
    """The accepted issues (own ones, then those on the agenda); before any is logged, the topics."""
    found = _voted_on(hearing)
    if found:
        answering = _answering(found)
        own = {i.id for i in found if i.hearing_id == hearing.id}
        return [
            Put(f"{i.number:02d}" if i.id in own else i.reference, clause(i.title), answering.get(i.id, ""))
            for i in found
        ]
    topics = [t for t in queries.topics_of(hearing) if t.merged_into_id is None and not t.set_aside]
    return [Put(f"{n:02d}", clause(t.title), _names(t.departments)) for n, t in enumerate(topics, 1)]


def _voted_on(hearing: Hearing) -> list[Issue]:
    agenda = select(AgendaItem.issue_id).where(AgendaItem.hearing_id == hearing.id)
    rows = db.session.scalars(
        select(Issue)
        .where(
            or_(Issue.hearing_id == hearing.id, Issue.id.in_(agenda)),
            or_(Issue.outcome.is_(None), Issue.outcome != Outcome.NOT_ACCEPTED),
            Issue.status != IssueStatus.NOT_ACCEPTED,
        )
        .options(
            joinedload(Issue.hearing).lazyload(Hearing.station),
            joinedload(Issue.topic).selectinload(Topic.departments),
        )
        .order_by(Issue.hearing_id, Issue.position, Issue.id)
    ).unique()
    return sorted(rows, key=lambda i: i.hearing_id != hearing.id)


def _answering(found: Sequence[Issue]) -> dict[int, str]:
    """Who answers for each issue: its lead in the latest round, else of a promise, else who spoke, else is asked."""
    ids = [i.id for i in found]
    said: dict[int, str] = {i.id: _names(i.topic.departments) for i in found if i.topic and i.topic.departments}
    for statement in (
        select(Exchange.issue_id, Department.name)
        .join(Department, Department.id == Exchange.department_id)
        .where(Exchange.issue_id.in_(ids))
        .order_by(Exchange.position.desc(), Exchange.id.desc()),
        select(Commitment.issue_id, Department.name)
        .join(Department, Department.id == Commitment.lead_id)
        .where(Commitment.issue_id.in_(ids))
        .order_by(Commitment.round, Commitment.position.desc(), Commitment.id.desc()),
        select(Assignment.issue_id, Department.name)
        .join(Department, Department.id == Assignment.department_id)
        .where(
            Assignment.issue_id.in_(ids),
            Assignment.part != Part.CO_HANDLER,
            Assignment.status != AssignmentStatus.RETURNED,
        )
        .order_by(Assignment.round, Assignment.id.desc()),
    ):
        for issue_id, name in db.session.execute(statement):
            said[issue_id] = name
    return said


def _why_no_ballot(state: State) -> Any:
    if why_not := announced(state):
        return why_not
    if not (state.topics or state.issues or state.agenda):
        return _("There is nothing to vote on yet: add topics or log issues first.")
    return None


def ballot_paper(hearing: Hearing) -> dict[str, Any]:
    """One voter's paper: every question with three boxes, how to fill it in, and no name.

    Raises RuleBroken when the hearing has neither issues nor topics.
    """
    rows = _put_to_vote(hearing)
    if not rows:
        raise RuleBroken(_("There is nothing to vote on yet: add topics or log issues first."))
    return _frame(f"{meeting_name(hearing)}满意度测评票") | {
        "paragraphs": [
            f"{day_words(hearing.day)}　　{hearing.station.name}",
            f"填写说明：本票不记名。对每个问题的答复情况，在“满意”“基本满意”“不满意”中选一项，在{BOX}内打“√”；"
            "一项未选或者选了两项以上的，该问题按废票计。填好后投入票箱。",
        ],
        "tables": [
            {
                "columns": ["编号", "测评事项", "答复单位", "满意", "基本满意", "不满意"],
                "widths": [9, 36, 24, 10, 11, 10],
                "rows": [[r.number, r.title, r.answering, BOX, BOX, BOX] for r in rows],
                "tall": True,
            }
        ],
    }


def _why_no_result(state: State) -> Any:
    return None if state.ballots else _("No ballots have been counted yet.")


def ballot_result(hearing: Hearing) -> dict[str, Any]:
    """The counts of a hearing, box by box, and under each table the rule that gave the verdicts.

    Raises RuleBroken when nothing has been counted.
    """
    ballots = db.session.scalars(
        select(Ballot)
        .where(Ballot.hearing_id == hearing.id)
        .options(joinedload(Ballot.issue).joinedload(Issue.hearing).lazyload(Hearing.station))
    ).all()
    if not ballots:
        raise RuleBroken(_("No ballots have been counted yet."))
    answering = _answering_of_ballots(ballots)
    order = list(BOXES)
    boxes: dict[str, list[Ballot]] = {}
    for ballot in sorted(
        ballots,
        key=lambda b: (
            order.index(b.voters) if b.voters in order else len(order),
            b.issue.hearing_id != hearing.id,
            b.issue.hearing_id,
            b.issue.position,
            b.id,
        ),
    ):
        boxes.setdefault(ballot.voters, []).append(ballot)
    tables = []
    for box, counted in boxes.items():
        tables.append(
            {
                "title": BOXES.get(box, box) if len(boxes) > 1 or box != "all" else None,
                "columns": ["编号", "问题", "答复单位", "发出", "满意", "基本 满意", "不满意", "废票", "结果"],
                "widths": [8, 32, 20, 6, 6, 6, 8, 6, 8],
                "rows": [_counted(b, hearing, answering) for b in counted],
                "note": f"注：{_rules(counted)}",
            }
        )
    counts = Counter(b.verdict for b in next(iter(boxes.values())))
    said = "、".join(f"{words}{counts[v]}个" for v, words in VERDICT_WORDS.items() if counts[v])
    return _frame(f"{meeting_name(hearing)}满意度测评结果表") | {
        "paragraphs": [
            f"{day_words(hearing.day)}，{meeting_name(hearing)}在{hearing.station.name}对"
            f"{len(next(iter(boxes.values())))}个问题进行无记名测评，结果为{said}。"
        ],
        "tables": tables,
        "remark": f"监票人：{BLANK}　计票人：{BLANK}",
    }


def _answering_of_ballots(ballots: Sequence[Ballot]) -> dict[int, str]:
    rows = db.session.scalars(
        select(Issue)
        .where(Issue.id.in_({b.issue_id for b in ballots}))
        .options(joinedload(Issue.topic).selectinload(Topic.departments))
    ).unique()
    return _answering(list(rows))


def _counted(ballot: Ballot, hearing: Hearing, answering: Mapping[int, str]) -> list[Any]:
    issue = ballot.issue
    return [
        f"{issue.number:02d}" if issue.hearing_id == hearing.id else issue.reference,
        clause(issue.title),
        answering.get(issue.id, ""),
        ballot.issued,
        ballot.satisfied,
        ballot.mostly_satisfied,
        ballot.dissatisfied,
        ballot.invalid,
        VERDICT_WORDS[ballot.verdict],
    ]


def _rules(ballots: Sequence[Ballot]) -> str:
    """The rule as stored with each ballot; where ballots differ, each rule with the numbers it decided."""
    said: dict[str, list[str]] = {}
    for ballot in ballots:
        rule = ballot.rule
        base, of, threshold = rule.get("denominator", "issued"), rule.get("of"), rule.get("threshold")
        half = "达到" if rule.get("tie_passes", True) else "超过"
        words = f"以{DENOMINATORS.get(base, '发出票数')}{f'（{of}）' if of is not None else ''}为基数，"
        enough = f"（{threshold}票）" if threshold is not None else ""
        words += (
            f"“满意”票{half}半数{enough}的为满意；不足的，“满意”和“基本满意”票合计{half}半数的为基本满意；"
            "其余为不满意。"
        )
        said.setdefault(words, []).append(ballot.issue.reference)
    if len(said) == 1:
        return f"计票规则：{next(iter(said))}"
    return "".join(f"{'、'.join(numbers)}号的计票规则：{words}" for words, numbers in said.items())


# -- look-back report 回头看报告 -------------------------------------------------------------------------


UNSAID = "进度未注明"
"""Not struck off, and no percentage was put down: that is not the same as nothing done."""


@dataclass
class Looked:
    """One item of a look-back."""

    issue: Issue
    findings: list[Finding]
    promises: list[Commitment]
    """Looked at: those the findings name, else all that bind."""
    first_dates: dict[int, date]
    dates: dict[int, date]
    """As they stood when the meeting ended."""
    evidence: list[FindingFile]
    ballot: Ballot | None
    moved: bool | None
    """Whether anything was done by then; None when nobody said how far it is."""

    @property
    def verdict(self) -> Verdict | None:
        """What the meeting concluded for the whole: struck off only when the last word says so."""
        return self.findings[-1].verdict if self.findings else None

    @property
    def state(self) -> str:
        """Which of the numbers it counts in."""
        if self.verdict is None:
            return "未查看"
        if self.verdict == Verdict.STRIKE_OFF and not self.left:
            return "销号"
        return {True: "推进", False: "未动", None: UNSAID}[self.moved]

    left: list[Commitment]
    """Promises still owed when the meeting ended."""


def _why_no_report(state: State) -> Any:
    if state.hearing.kind not in REPORTED_ON:
        return _("A report is made of look-backs and evaluation meetings.")
    if not state.findings:
        return _("Possible once a finding has been recorded.")
    return None


def _moved(said: Sequence[int | None]) -> bool | None:
    """From all percentages that were put down: any above nothing, all nothing, or none put down."""
    known = [p for p in said if p is not None]
    return any(known) if known else None


def _looked_at(hearing: Hearing) -> list[Looked]:
    """Every item of the agenda with what was promised, found and counted. Seven statements."""
    items = db.session.scalars(
        select(Issue)
        .join(AgendaItem, AgendaItem.issue_id == Issue.id)
        .where(AgendaItem.hearing_id == hearing.id)
        .options(joinedload(Issue.hearing).lazyload(Hearing.station))
        .order_by(AgendaItem.position, AgendaItem.id)
    ).all()
    ids = [i.id for i in items]
    findings = _grouped(
        db.session.scalars(
            select(Finding)
            .where(Finding.hearing_id == hearing.id)
            .options(joinedload(Finding.commitment))
            .order_by(Finding.id)
        ).all(),
        "issue_id",
    )
    promises = _grouped(
        db.session.scalars(
            select(Commitment)
            .where(Commitment.issue_id.in_(ids))
            .options(joinedload(Commitment.lead), selectinload(Commitment.co_handlers))
            .order_by(Commitment.round, Commitment.position, Commitment.id)
        ).all(),
        "issue_id",
    )
    end = hearing.concluded_at or now()
    first, dates = _dates([c for some in promises.values() for c in some], end)
    furthest: dict[int, int | None] = dict(
        db.session.execute(
            select(Assignment.issue_id, func.max(Progress.percent))
            .join(Progress, Progress.assignment_id == Assignment.id)
            .where(Assignment.issue_id.in_(ids), Progress.percent.is_not(None), Progress.at <= end)
            .group_by(Assignment.issue_id)
        ).all()
    )
    evidence = _grouped(
        db.session.scalars(
            select(FindingFile)
            .join(Finding, Finding.id == FindingFile.finding_id)
            .where(Finding.hearing_id == hearing.id)
            .order_by(FindingFile.id)
        ).all(),
        "finding_id",
    )
    ballots = {
        b.issue_id: b
        for b in db.session.scalars(select(Ballot).where(Ballot.hearing_id == hearing.id, Ballot.voters == "all"))
    }
    looked = []
    for issue in items:
        mine = [c for c in promises[issue.id] if c.made_at <= end]
        here = findings[issue.id]
        named = {f.commitment_id for f in here if f.commitment_id is not None}
        whole = any(f.commitment_id is None for f in here) or not here
        looked.append(
            Looked(
                issue=issue,
                findings=here,
                promises=[c for c in mine if whole or c.id in named],
                first_dates=first,
                dates=dates,
                evidence=[link for f in here for link in evidence[f.id]],
                ballot=ballots.get(issue.id),
                moved=_moved(
                    [furthest.get(issue.id), *(f.percent for f in here), *(100 for c in mine if _done(c, end))]
                ),
                left=[c for c in mine if c.closed_at is None or c.closed_at > end],
            )
        )
    return looked


def _dates(promises: Sequence[Commitment], end: datetime) -> tuple[dict[int, date], dict[int, date]]:
    """The date given first, and the one that stood at `end`, of every promise. One statement."""
    first = {c.id: c.due_on for c in promises}
    stood = dict(first)
    moved, later = set(), set()
    for e in db.session.scalars(
        select(Extension)
        .where(Extension.commitment_id.in_(list(first)), Extension.status == ExtensionStatus.GRANTED)
        .order_by(Extension.id)
    ):
        if e.commitment_id not in moved:
            moved.add(e.commitment_id)
            first[e.commitment_id] = e.old_due_on
        if e.commitment_id not in later and e.decided_at is not None and e.decided_at > end:
            later.add(e.commitment_id)
            stood[e.commitment_id] = e.old_due_on
    return first, stood


def _done(promise: Commitment, end: datetime) -> bool:
    """Reported or kept by then."""
    reported = promise.reported_at is not None and promise.reported_at <= end
    kept = promise.status == CommitmentStatus.KEPT and promise.closed_at is not None and promise.closed_at <= end
    return reported or kept


def look_back_report(hearing: Hearing) -> dict[str, Any]:
    """What a look-back or an evaluation meeting found: numbers, problems, next steps, photos, and a table of all items.

    Raises RuleBroken for other kinds, and before anything has been found.
    """
    if hearing.kind not in REPORTED_ON:
        raise RuleBroken(_("A report is made of look-backs and evaluation meetings."))
    looked = _looked_at(hearing)
    if not any(item.findings for item in looked):
        raise RuleBroken(_("Possible once a finding has been recorded."))
    day = _day(hearing.opened_at or hearing.starts_at)
    counts = Counter(item.state for item in looked)
    attendance = minutes.compose(hearing)["attendance"]
    follows = hearing.follows
    subject = meeting_name(follows) if follows is not None else _subjects(looked)
    pictures = _pictures(looked)
    shown = pictures[:PHOTOS]
    states = ["销号", "推进", "未动", *([UNSAID] if counts[UNSAID] else []), "未查看"]
    manner = MANNERS[HearingKind(hearing.kind)] + ("、满意度测评" if any(i.ballot for i in looked) else "")
    sections: list[dict[str, Any]] = [
        {
            "heading": "一、总体情况",
            "paragraphs": [_totals(looked, counts), *_ballots(looked)],
            "tables": [
                {
                    "columns": ["总数", *states],
                    "rows": [[len(looked), *(counts[w] for w in states)]],
                    "note": "注：“推进”指未销号但已有进度的，“未动”指进度为零的。",
                }
            ],
        },
        {"heading": "二、存在问题", "paragraphs": _problems(looked, day)},
        {"heading": "三、下一步工作", "paragraphs": _next_steps(looked)},
    ]
    if shown:
        more = f"另有照片{len(pictures) - len(shown)}张存系统。" if len(pictures) > len(shown) else None
        sections.append({"heading": "四、现场照片", "paragraphs": [more] if more else [], "pictures": shown})
    return _frame(_report_title(hearing, subject)) | {
        "summary": [
            ["时　　间", f"{day_words(day)}"],
            ["地　　点", hearing.place],
            *([["主　　持", f"{hearing.chair.title or ''}{hearing.chair.name}"]] if hearing.chair else []),
            ["对　　象", f"{subject}问题{len(looked)}个"],
            ["方　　式", manner],
            *(
                [LABELS.get(group["label"], group["label"]), "、".join(group["groups"])]
                for group in attendance
                if group["label"] != "请假"
            ),
        ],
        "sections": sections,
        "attachments": [_table(looked)],
        "signature": {"organ": _office(), "date": day_words(day), "sealed": True},
    }


def _report_title(hearing: Hearing, subject: str) -> str:
    if hearing.kind == HearingKind.EVALUATION_MEETING:
        return f"{subject}问题绩效评估情况报告"
    return f"{subject}问题回头看报告"


def _subjects(looked: Sequence[Looked]) -> str:
    """The meeting whose issues these are, if it is one."""
    names = {meeting_name(item.issue.hearing) for item in looked}
    return names.pop() if len(names) == 1 else str(current_app.config["SYSTEM_NAME"])


def _totals(looked: Sequence[Looked], counts: Mapping[str, int]) -> str:
    verdicts = Counter(item.verdict for item in looked if item.verdict)
    said = "、".join(f"{words}{verdicts[v]}个" for v, words in FINDING_WORDS.items() if verdicts[v])
    unseen = "".join(f"、{word}{counts[word]}个" for word in (UNSAID, "未查看") if counts[word])
    return (
        f"本次共列入问题{len(looked)}个，其中销号{counts['销号']}个、推进{counts['推进']}个、"
        f"未动{counts['未动']}个{unseen}。结论为{said}。逐项情况见附件。"
    )


def _ballots(looked: Sequence[Looked]) -> list[str]:
    counted = [item for item in looked if item.ballot]
    if not counted:
        return []
    said = "；".join(
        f"{i.issue.reference}满意{i.ballot.satisfied}票、基本满意{i.ballot.mostly_satisfied}票、"
        f"不满意{i.ballot.dissatisfied}票，结果为{VERDICT_WORDS[BallotVerdict(i.ballot.verdict)]}"
        for i in counted
        if i.ballot
    )
    return [f"现场满意度测评：{said}。"]


def _problems(looked: Sequence[Looked], day: date) -> list[str]:
    lines: list[str] = []
    for item in looked:
        if item.state == "销号":
            continue
        words = []
        late = [c for c in item.left if item.dates[c.id] < day]
        if item.left:
            words.append(f"尚有{len(item.left)}项承诺未完成" + (f"，其中{len(late)}项逾期" if late else ""))
        if item.verdict is None:
            words.append("本次未查看")
        elif item.verdict == Verdict.HANDLE_AGAIN:
            words.append("办理结果未得到认可，需重新办理")
        elif item.verdict == Verdict.ESCALATE:
            words.append("需上级协调")
        lines.append(
            f"{len(lines) + 1}. {item.issue.reference}{clause(item.issue.title)}：{'；'.join(words) or '仍需跟踪'}。"
        )
    return lines or ["本次回头看的问题均已同意销号，没有遗留问题。"]


def _next_steps(looked: Sequence[Looked]) -> list[str]:
    lines: list[str] = []
    for item in looked:
        if item.state == "销号":
            continue
        acts = []
        last = {f.commitment_id: f for f in item.findings}
        for c in item.left:
            f = last.get(c.id)
            act = FINDING_WORDS[f.verdict] if f and f.verdict != Verdict.STRIKE_OFF else "继续办理"
            due = f.new_due_on if f and f.new_due_on else item.dates[c.id]
            acts.append(f"{quoted(clause(c.measure))}{act}，由{c.lead.name}在{day_words(due)}前完成")
        owed = {c.id for c in item.left}
        for f in last.values():
            if f.commitment_id not in owed and f.verdict != Verdict.STRIKE_OFF:
                until = f"，{day_words(f.new_due_on)}前完成" if f.new_due_on else ""
                acts.append(f"{FINDING_WORDS[f.verdict]}{until}")
        said = "；".join(dict.fromkeys(acts)) or "列入下次回头看"
        lines.append(f"{len(lines) + 1}. {item.issue.reference}：{said}。")
    closing = "未销号的问题继续跟踪，列入下次回头看；已销号的问题由提出代表确认后归档，出现反弹的重新办理。"
    return [*lines, closing]


def _pictures(looked: Sequence[Looked]) -> list[dict[str, str]]:
    return [
        {
            "sha256": link.file.sha256,
            "caption": f"图{n}　{item.issue.reference}　{clause(item.issue.title)}",
        }
        for n, (item, link) in enumerate(
            ((item, link) for item in looked for link in item.evidence if link.file.is_image), 1
        )
    ]


def _table(looked: Sequence[Looked]) -> dict[str, Any]:
    rows = []
    number = 0
    for item in looked:
        photos = [link for link in item.evidence if link.file.is_image]
        papers = [link.file.name for link in item.evidence if not link.file.is_image]
        seen = []
        if photos:
            seen.append(f"图{number + 1}" + (f"至图{number + len(photos)}" if len(photos) > 1 else ""))
            number += len(photos)
        seen += papers
        last = item.findings
        dates = [f.new_due_on for f in last if f.new_due_on]
        rows.append(
            [
                f"{item.issue.reference} {clause(item.issue.title)}",
                " ".join(f"{_measure(c, item.first_dates[c.id])}（{c.lead.name}）。" for c in item.promises)
                or "未作承诺",
                " ".join(_found(f) for f in last) or "未查看",
                "；".join(seen) or "无",
                _opinions(item, "deputy_opinion"),
                _opinions(item, "resident_opinion"),
                "；".join(dict.fromkeys(FINDING_WORDS[f.verdict] for f in last)) or "—",
                "、".join(d.isoformat() for d in dates) or "—",
            ]
        )
    return {
        "title": "回头看情况表",
        "columns": ["问题", "原承诺", "现状", "佐证", "代表意见", "群众意见", "结论", "新时限"],
        "widths": [15, 22, 22, 9, 11, 11, 8, 9],
        "rows": rows,
        "landscape": True,
        "note": None,
    }


def _found(finding: Finding) -> str:
    what = f"{quoted(clause(finding.commitment.measure))}：" if finding.commitment else ""
    done = f"（完成{finding.percent}%）" if finding.percent is not None else ""
    return f"{what}{clause(discreet(finding.found, finding.issue))}{done}。"


def _opinions(item: Looked, name: str) -> str:
    said = [discreet(sentence(words), item.issue) for f in item.findings if (words := getattr(f, name))]
    return "".join(dict.fromkeys(said)) or "—"


# -- the list ------------------------------------------------------------------------------------------

register(
    Paper(
        key="ballot",
        label=_l("Ballot paper"),
        purpose=_l("One for each voter, without a name; three boxes for every issue."),
        file="满意度测评票",
        compose=ballot_paper,
        when=_why_no_ballot,
        group=Group.NIGHT,
    ),
    Paper(
        key="ballot-result",
        label=_l("Result of the ballots"),
        purpose=_l("The counts, read out and filed, with the rule that gave each verdict."),
        file="满意度测评结果表",
        compose=ballot_result,
        when=_why_no_result,
        group=Group.AFTER,
    ),
    Paper(
        key="look-back",
        label=_l("Look-back report"),
        purpose=_l("What was found of each issue, with photos, numbers and next steps."),
        file="回头看报告",
        compose=look_back_report,
        when=_why_no_report,
        group=Group.AFTER,
    ),
)
register_for_assignments(
    Paper(
        key="sheet",
        label=_l("Assignment sheet"),
        purpose=_l("What the department is to do, by when and how to answer; with a receipt strip."),
        file="交办单",
        compose=assignment_sheet,
        when=lambda assignment: None,
    ),
    Paper(
        key="supervision",
        label=_l("Supervision sheet"),
        purpose=_l("What is overdue, with room for the leader's word."),
        file="督办单",
        compose=supervision_sheet,
        when=why_not_supervised,
    ),
    Paper(
        key="reply",
        label=_l("Reply letter"),
        purpose=_l("The department's answer to the deputies, with its class letter and the feedback form."),
        file="答复函",
        compose=lambda assignment: reply_letter(_answered(assignment)),
        when=why_no_letter,
    ),
    Paper(
        key="feedback",
        label=_l("Feedback form"),
        purpose=_l("What the deputy fills in after reading the letter."),
        file="征询意见表",
        compose=lambda assignment: feedback_form(_answered(assignment)),
        when=why_no_form,
    ),
)
