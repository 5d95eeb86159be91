"""Minutes as one plain dict: composed from the record, edited by part, compared, frozen.

`compose()` writes what the record says; the language of the paper is Chinese, whatever the reader's. The dict
has the keys that templates/documents/minutes.html wants, and a few it does not read: `key` on sections and
items, `number` and `title` on items, so that prose edited by hand can be told from what the record says now; and
`data`, the record for machines (see data.py), which is no piece: it is taken anew when the paper is made final.
"""

import copy
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from flask import current_app

from ..db import LOCAL
from ..issues.models import Assignment, Commitment, Exchange, ExchangeKind, Issue, Outcome, Part
from ..language import inner
from ..people.models import Department, User
from ..reviews.models import Ballot, BallotVerdict, Finding, Verdict
from ..schedule.models import AttendanceList, Came, Capacity, Hearing, HearingKind, Participant
from .data import machine
from .queries import Record, record_of

KIND_WORDS = {
    HearingKind.NIGHT_HEARING: "",
    HearingKind.LOOK_BACK: "回头看",
    HearingKind.EVALUATION_MEETING: "绩效评估座谈会",
    HearingKind.GROUP_CONSULTATION: "集体面商",
}
OUTCOME_WORDS = {
    Outcome.ANSWERED_ON_SITE: "当场答复",
    Outcome.RESOLVED_ON_SITE: "当场解决",
    Outcome.TIME_LIMITED: "限期办理",
    Outcome.PLANNED: "列入计划",
    Outcome.FURTHER_STUDY: "会后研究",
    Outcome.ESCALATE: "提请协调",
    Outcome.CONVERT_TO_SUGGESTION: "转代表建议",
    Outcome.NOT_ACCEPTED: "不予受理",
}
VERDICT_WORDS = {
    BallotVerdict.SATISFIED: "满意",
    BallotVerdict.MOSTLY_SATISFIED: "基本满意",
    BallotVerdict.DISSATISFIED: "不满意",
}
DENOMINATORS = {"issued": "发出票数", "present": "实到人数", "valid": "有效票数"}
NO_LIMIT = "未给时限"
DONE = (Outcome.ANSWERED_ON_SITE, Outcome.RESOLVED_ON_SITE, Outcome.NOT_ACCEPTED, Outcome.CONVERT_TO_SUGGESTION)
"""Outcomes that hand nothing over."""

# -- words ---------------------------------------------------------------------------------------------

_NUMERALS = "〇一二三四五六七八九"


def numeral(number: int) -> str:
    """1 to 999 in Chinese numerals, as headings count: 一, 十二, 一百零三."""
    if number >= 100:
        rest = number % 100
        words = _NUMERALS[number // 100] + "百"
        if rest == 0:
            return words
        return words + ("零" if rest < 10 else "一" if rest < 20 else "") + numeral(rest)
    tens, ones = divmod(number, 10)
    return ("" if not tens else "十" if tens == 1 else _NUMERALS[tens] + "十") + (
        _NUMERALS[ones] if ones or not tens else ""
    )


def day_words(day: date, year: int | None = None) -> str:
    """4月16日, with the year when it is not `year`."""
    words = f"{day.month}月{day.day}日"
    return words if day.year == year else f"{day.year}年{words}"


def joined(names: Sequence[str]) -> str:
    """甲、乙和丙."""
    return names[0] if len(names) == 1 else "、".join(names[:-1]) + "和" + names[-1] if names else ""


def sentence(words: str) -> str:
    """Closed by a full stop, unless it ends in a stop of its own."""
    words = words.strip()
    return words if not words or words[-1] in "。！？…”」』）" else words.rstrip("；;，,、.") + "。"


def clause(words: str) -> str:
    """Without its stop, to stand inside a sentence."""
    return words.strip().rstrip("。；;，,、.！!")


def quoted(words: str) -> str:
    """In quotation marks; marks inside become single ones."""
    return f"“{inner(words)}”"


def _names(offices: Iterable[Department]) -> list[str]:
    return [o.name for o in offices]


# -- who was there -------------------------------------------------------------------------------------


def unit_of(seat: Participant, committee: str = "区人大常委会") -> str:
    """The unit as it stands on a list: leaders without one are the committee's, a 主任 of a street the 工委's."""
    unit = seat.department.name if seat.department else seat.unit or ""
    title = seat.title or ""
    if not unit and seat.capacity in (Capacity.CHAIR, Capacity.COMMITTEE_LEADER) and title in ("主任", "副主任"):
        return committee
    if not unit and seat.capacity == Capacity.STREET_COMMITTEE and "工委" not in title:
        streets = seat.user.streets if seat.user else []  # by the station that the person looks after
        return f"{streets[0].removesuffix('街道') if len(streets) == 1 else ''}街道人大工委"
    return unit


def post(unit: str, title: str) -> str:
    """Unit and title in one, nothing said twice: 新碶街道办事处 and 办事处主任 are 新碶街道办事处主任."""
    said = next((n for n in range(min(len(unit), len(title)), 1, -1) if unit.endswith(title[:n])), 0)
    return title if unit and title.startswith(unit) else unit + title[said:]


def _person(seat: Participant) -> str:
    """Unit, title and name as they stand on the list; the stand-in, where one came."""
    unit, title, name = unit_of(seat), seat.title or "", seat.name or ""
    if seat.is_stand_in and seat.stand_in_name:
        stood_for = f"（代{title}{name}）" if name else ""
        return f"{post(unit, seat.stand_in_title or '')}{seat.stand_in_name}{stood_for}"
    if not name:
        count = seat.seats_taken if seat.seats_taken is not None else seat.seats
        words = post(unit, title or "负责人")
        return words if count == 1 else f"{words}{count}名"
    return post(unit, title) + name


def _count(seat: Participant) -> int:
    return seat.seats if seat.seats_taken is None else seat.seats_taken


def _groups(seats: Sequence[Participant]) -> list[str]:
    """One list in protocol order; deputies in one breath, residents by number and never by name.

    Whoever takes the chair sits first, but on paper a 主任 of the committee stands before its 副主任.
    """
    leaders = [s for s in seats if s.capacity in (Capacity.CHAIR, Capacity.COMMITTEE_LEADER)]
    ranked = iter(sorted(leaders, key=lambda s: (s.title or "").startswith("副")))
    seats = [next(ranked) if s in leaders else s for s in seats]
    groups: list[str] = []
    deputies = [s.name for s in seats if s.capacity == Capacity.DEPUTY and s.name]
    unnamed = sum(_count(s) for s in seats if s.capacity == Capacity.DEPUTY and not s.name)
    residents = sum(_count(s) for s in seats if s.capacity == Capacity.RESIDENT)
    told = False
    for seat in seats:
        if seat.capacity == Capacity.DEPUTY:
            if not told:
                told = True
                more = f"{'等' if deputies else ''}{len(deputies) + unnamed}名" if unnamed else ""
                groups.append(f"区人大代表{'、'.join(deputies)}{more}")
        elif seat.capacity != Capacity.RESIDENT:
            groups.append(_person(seat))
    if residents:
        groups.append(f"选民代表{residents}名")
    return groups


def _attendance(record: Record) -> list[dict[str, Any]]:
    began = record.hearing.opened_at is not None
    came = [s for s in record.seats if s.came == Came.SIGNED_IN or (not began and s.came == Came.UNKNOWN)]
    leave = [s for s in record.seats if s.came == Came.ON_LEAVE]
    lists = (
        ("present", "出席", _groups([s for s in came if s.listed == AttendanceList.PRESENT])),
        ("on_leave", "请假", [_leave(s) for s in leave]),
        ("in_attendance", "列席", _groups([s for s in came if s.listed == AttendanceList.IN_ATTENDANCE])),
        ("public_gallery", "旁听", _groups([s for s in came if s.listed == AttendanceList.PUBLIC_GALLERY])),
    )
    return [{"key": key, "label": label, "groups": groups} for key, label, groups in lists if groups]


def _leave(seat: Participant) -> str:
    if seat.capacity == Capacity.RESIDENT:
        return f"选民代表{_count(seat)}名"
    who = seat.name if seat.capacity == Capacity.DEPUTY and seat.name else _person(seat)
    return f"{who}（{seat.reason}）" if seat.reason else who


# -- the parts -----------------------------------------------------------------------------------------


def _when(hearing: Hearing) -> str:
    """What happened on the evening; the announced times where sign-off came on another day."""
    begin = (hearing.opened_at or hearing.starts_at).astimezone(LOCAL)
    planned = hearing.starts_at.astimezone(LOCAL), hearing.ends_at.astimezone(LOCAL)
    if begin.date() != planned[0].date():
        begin = planned[0]
    end = (hearing.concluded_at or hearing.ends_at).astimezone(LOCAL)
    if end.date() != begin.date() or end <= begin:
        begin, end = planned
    until = "" if end.date() == begin.date() else day_words(end.date(), begin.year)
    return f"{begin.year}年{begin.month}月{begin.day}日{_clock(begin)}至{until}{_clock(end)}"


def _clock(moment: Any) -> str:
    return f"{moment.hour}时" + (f"{moment.minute:02d}分" if moment.minute else "")


def _overview(record: Record, meeting: str) -> list[str]:
    hearing = record.hearing
    theme = f"，主题为{quoted(hearing.theme)}" if hearing.theme else ""
    words = [f"{_when(hearing)}，{meeting}在{hearing.place}召开{theme}。"]
    chair = next((s for s in record.seats if s.capacity == Capacity.CHAIR and (s.name or s.stand_in_name)), None)
    if chair is not None:
        words.append(f"会议由{_person(chair)}主持。")
    elif hearing.chair is not None:
        words.append(f"会议由{hearing.chair.title or ''}{hearing.chair.name}主持。")
    came = [s for s in record.seats if s.came == Came.SIGNED_IN or (hearing.opened_at is None and s.came == "unknown")]
    leaders = [_person(s) for s in came if s.capacity == Capacity.COMMITTEE_LEADER]
    if leaders:
        words.append(f"{joined(leaders)}出席。")
    officials = [_person(s) for s in came if s.capacity == Capacity.GOVERNMENT_LEADER]
    if officials:
        words.append(f"{joined(officials)}到会应询。")
    crowd = [
        f"{count}{what}"
        for what, count in (
            ("名区人大代表", sum(_count(s) for s in came if s.capacity == Capacity.DEPUTY)),
            ("名选民代表", sum(_count(s) for s in came if s.capacity == Capacity.RESIDENT)),
            (
                "个部门和街道的负责人",
                len([s for s in came if s.capacity in (Capacity.DEPARTMENT_HEAD, Capacity.STREET_OFFICE)]),
            ),
        )
        if count
    ]
    if crowd:
        words.append(f"{'、'.join(crowd)}参加会议。")
    lines = ["".join(words)]
    if record.last_time is not None:
        number, accepted, struck_off, explained = record.last_time
        left = accepted - struck_off - explained
        rest = f"，其余{left}个正在跟踪办理" if left else ""
        lines.append(
            f"会议通报了第{number}期夜询会问题的办理情况：受理{accepted}个，"
            f"已销号{struck_off}个，解释答复办结{explained}个{rest}。"
        )
    return lines


def _refused(issue: Issue) -> bool:
    return issue.outcome == Outcome.NOT_ACCEPTED


def _situation(record: Record) -> list[str]:
    own = [i for i in record.issues if i.id in record.own]
    heard = [i for i in record.issues if i.id not in record.own]
    lines = []
    if own:
        refused = sum(_refused(i) for i in own)
        words = f"会议共提出问题{len(own)}个，受理{len(own) - refused}个" + (
            f"，不予受理{refused}个" if refused else ""
        )
        by_outcome = Counter(i.outcome for i in own if i.outcome and not _refused(i))
        kinds = [f"{OUTCOME_WORDS[o]}{by_outcome[o]}个" for o in OUTCOME_WORDS if by_outcome[o]]
        words += f"。受理的问题中，{'、'.join(kinds)}。" if kinds else "。"
        promised = sum(len(record.commitments[i.id]) for i in own)
        if promised:
            words += f"形成承诺措施{promised}项，均已明确责任单位和办理时限。"
        open_ended = [i for i in own if _no_limit(record, i)]
        if open_ended:
            words += f"另有{len(open_ended)}个问题{NO_LIMIT}。"
        late = sum(i.is_late for i in own)
        if late:
            words += f"有{late}个问题为会后补录。"
        lines.append(words)
    if heard:
        verdicts = Counter(f[-1].verdict for i in heard if (f := record.findings[i.id]))
        words = f"会议听取了{len(heard)}个问题的办理情况"
        said = [f"{w}{verdicts[v]}个" for v, w in FINDING_WORDS.items() if verdicts[v]]
        lines.append(words + (f"，{'、'.join(said)}。" if said else "。"))
    return lines or ["会议未提出问题。"]


def _no_limit(record: Record, issue: Issue) -> bool:
    return issue.outcome is not None and issue.outcome not in DONE and not record.commitments[issue.id]


def heading_of(title: str) -> str:
    """关于…的问题, unless the title says 关于 itself."""
    title = clause(title)
    if title.startswith("关于"):
        return title
    return f"关于{title}" if title.endswith(("问题", "建议")) else f"关于{title}的问题"


def _raised_by(issue: Issue) -> str:
    deputies = [u.name for u in ([issue.lead_deputy] if issue.lead_deputy else []) + list(issue.cosigners)]
    if issue.resident or issue.community or not deputies:
        return f"选民代表提出（{deputies[0]}代为提出）" if deputies else "选民代表提出"
    return f"区人大代表{'、'.join(deputies)}提出"


def _turn(turn: Exchange, lead: User | None) -> str:
    if turn.kind == ExchangeKind.ANSWER:
        unit = turn.department.name if turn.department else ""
        who = unit + (turn.speaker or "" if turn.speaker != unit else "")
        return f"{who or '应询单位'}答复：{sentence(turn.text)}"
    act = "追问" if turn.kind == ExchangeKind.FOLLOW_UP else "询问"
    return f"{turn.speaker or (lead.name if lead else '代表')}{act}：{sentence(turn.text)}"


def _by(lead: Department | None, helpers: Sequence[str]) -> str:
    """由…牵头、…配合."""
    if lead is None:
        return "由有关单位"
    return f"由{lead.name}牵头" + (f"、{joined(helpers)}配合" if helpers else "")


class _Handing(NamedTuple):
    """Who acts on an issue: from the assignment, else from the first promise."""

    lead: Department | None
    helpers: list[str]
    first: Assignment | None


def _handing(record: Record, issue: Issue) -> _Handing:
    parts = record.assignments[issue.id]
    leads = [a for a in parts if a.part != Part.CO_HANDLER]
    if leads:
        helpers = [a.department.name for a in parts if a is not leads[0]]
        return _Handing(leads[0].department, helpers, leads[0])
    promises = record.commitments[issue.id]
    if promises:
        helpers = list(dict.fromkeys(n for p in promises for n in _names(p.co_handlers)))
        return _Handing(promises[0].lead, [h for h in helpers if h != promises[0].lead.name], None)
    answering = next((t.department for t in record.exchanges[issue.id] if t.department is not None), None)
    return _Handing(answering, [], None)


def _measure(promise: Commitment, record: Record, year: int) -> str:
    """4月16日前完成…; the date as it was given in the room, once."""
    due = record.first_dates.get(promise.id, promise.due_on)
    words = clause(promise.measure)
    spoken = day_words(due, due.year)
    return words if spoken in words else f"{day_words(due, year)}前{words}"


def _decision(record: Record, issue: Issue) -> tuple[list[str], list[str]]:
    """The paragraph of what was decided, and its numbered measures if it has several."""
    year = record.hearing.day.year
    promises = record.commitments[issue.id]
    ballot = record.ballots.get(issue.id)
    again = ballot is not None and ballot.verdict == BallotVerdict.DISSATISFIED
    lead, helpers, first = _handing(record, issue)
    if promises:
        same_lead = len({p.lead_id for p in promises}) == 1
        same_helpers = len({tuple(d.id for d in p.co_handlers) for p in promises}) == 1
        said = [_measure(p, record, year) for p in promises]
        if same_lead and same_helpers and (len(promises) == 1 or (sum(map(len, said)) <= 80 and len(promises) == 2)):
            who = _by(promises[0].lead, _names(promises[0].co_handlers))
            return [f"会议明确：{who}，{'，'.join(said)}。"], []
        if same_lead:
            shared = _names(promises[0].co_handlers) if same_helpers else []
            opening = f"会议明确：{_by(promises[0].lead, shared)}，抓好以下工作："
            tails = [
                "" if same_helpers or not p.co_handlers else f"（{joined(_names(p.co_handlers))}配合）"
                for p in promises
            ]
        else:
            opening = "会议明确以下事项："
            said = [f"{_by(p.lead, _names(p.co_handlers))}，{s}" for p, s in zip(promises, said, strict=True)]
            tails = [""] * len(promises)
        return [opening], [f"{n}. {s}{t}。" for n, (s, t) in enumerate(zip(said, tails, strict=True), 1)]
    note = f"{sentence(issue.outcome_note)}" if issue.outcome_note else ""
    due = f"{day_words(first.due_on, year)}前书面答复代表" if first else "按交办要求书面答复代表"
    who = _by(lead, helpers)
    match issue.outcome:
        case Outcome.NOT_ACCEPTED:
            return [f"会议说明：该事项不属于夜询会受理范围，不予受理。{note}"], []
        case Outcome.ANSWERED_ON_SITE:
            return [f"会议认为，应询单位已当场作出解释答复，不再交办。{note}"], []
        case Outcome.RESOLVED_ON_SITE:
            return [f"会议确认，该问题已当场解决。{note}"], []
        case Outcome.CONVERT_TO_SUGGESTION:
            return [f"会议明确：该问题转为代表建议，按代表建议办理程序办理。{note}"], []
        case Outcome.ESCALATE:
            return [f"会议明确：{who}提请上级协调，{due}。{note}"], []
        case None:
            return ["会议未对该问题作出处置决定。"] if not first else [f"会议明确：{who}办理，{due}。"], []
    if again:
        return [f"因现场测评为不满意，会议明确：{who}重新办理，{due}。{note}"], []
    manner = {Outcome.PLANNED: "列入计划办理", Outcome.FURTHER_STUDY: "会后研究"}.get(issue.outcome, "办理")
    return [f"会议明确：{who}{manner}（{NO_LIMIT}），{due}。{note}"], []


FINDING_WORDS = {
    Verdict.STRIKE_OFF: "同意销号",
    Verdict.KEEP_TRACKING: "继续跟踪",
    Verdict.HANDLE_AGAIN: "重新办理",
    Verdict.ESCALATE: "提请上级协调",
}


def _finding(finding: Finding, year: int) -> list[str]:
    subject = f"（{clause(finding.commitment.measure)}）" if finding.commitment else ""
    lines = [f"现场查看{subject}：{sentence(finding.found)}"]
    if finding.deputy_opinion:
        lines.append(f"代表意见：{sentence(finding.deputy_opinion)}")
    if finding.resident_opinion:
        lines.append(f"群众意见：{sentence(finding.resident_opinion)}")
    limit = f"，{day_words(finding.new_due_on, year)}前完成" if finding.new_due_on else ""
    lines.append(f"会议明确：{FINDING_WORDS[finding.verdict]}{limit}。")
    return lines


def _item(record: Record, issue: Issue) -> dict[str, Any]:
    item: dict[str, Any] = {
        "key": f"issue_{issue.id}",
        "number": issue.reference if issue.id not in record.own else f"{issue.number:02d}",
        "title": heading_of(issue.title),
        "heading": "",
        "measures": [],
    }
    late = "（会后补录）" if issue.is_late else ""
    if issue.id not in record.own:
        source = f"第{issue.hearing.serial_no}期夜询会" if issue.hearing.serial_no else "此前会议"
        lines = [f"该问题由{source}提出，编号{issue.reference}。{sentence(issue.statement)}"]
        for finding in record.findings[issue.id]:
            lines += _finding(finding, record.hearing.day.year)
        item["paragraphs"] = lines if record.findings[issue.id] else [*lines, "会议听取了办理情况。"]
        return item
    lines = [f"{_raised_by(issue)}：{sentence(issue.statement)}{late}"]
    lines += [_turn(t, issue.lead_deputy) for t in record.exchanges[issue.id]]
    decided, item["measures"] = _decision(record, issue)
    item["paragraphs"] = lines + decided
    return item


def _ballot_result(record: Record) -> list[str]:
    ballots = [record.ballots[i.id] for i in record.issues if i.id in record.ballots]
    if not ballots:
        return ["本次会议未进行满意度测评。"]
    counts = Counter(b.verdict for b in ballots)
    issued = sorted({b.issued for b in ballots})
    handed = f"{issued[0]}张" if len(issued) == 1 else f"{issued[0]}至{issued[-1]}张"
    said = [f"{w}的{counts[v]}个" for v, w in VERDICT_WORDS.items() if counts[v]]
    lines = [
        f"会议对{len(ballots)}个问题的答复情况进行了满意度测评，每个问题发出测评票{handed}。"
        f"测评结果为{'、'.join(said)}。{_rule(ballots)}"
    ]
    again = [i for i in record.issues if i.id in record.ballots and record.ballots[i.id].verdict == "dissatisfied"]
    own = [f"{i.number:02d}" for i in again if i.id in record.own]
    if own:
        months = current_app.config["REWORK_MONTHS"]
        lines.append(f"测评为不满意的第{'、'.join(own)}号问题重新办理，自交办之日起{months}个月内再次答复。")
    return lines


def _rule(ballots: Iterable[Ballot]) -> str:
    """The rule that gave the verdicts, as it was stored with each ballot."""
    said = []
    for ballot in ballots:
        base = DENOMINATORS.get(ballot.rule.get("denominator", ""), "发出票数")
        enough = "达到" if ballot.rule.get("tie_passes", True) else "超过"
        words = (
            f"计票规则：“满意”票{enough}{base}半数的为满意；"
            f"“满意”和“基本满意”票合计{enough}半数的为基本满意；其余为不满意。"
        )
        if words not in said:
            said.append(words)
    return "".join(said)


def _requirements(record: Record) -> list[str]:
    months = current_app.config["REPLY_MONTHS"]
    if not record.own:
        return ["会议要求，各承办单位要按照会议明确的措施和时限继续办理，办理结果书面答复提出问题的代表。"]
    return [
        f"会议要求，各承办单位要对照问题交办清单，逐项落实责任人、措施和时限，自交办之日起{months}个月内书面答复"
        "提出问题的代表；不能按期完成的，应当在到期前说明原因。街道人大工委要做好跟踪，未当场解决的问题列入“回头看”，"
        "办理结果向代表和选民反馈。"
    ]


def _handed_over(record: Record) -> dict[str, Any] | None:
    rows = []
    for issue in record.issues:
        if issue.id not in record.own or _refused(issue):
            continue
        promises = record.commitments[issue.id]
        parts = record.assignments[issue.id]
        if not promises and not parts and (issue.outcome is None or issue.outcome in DONE):
            continue
        lead, helpers, first = _handing(record, issue)
        year = record.hearing.day.year
        said = "；".join(_measure(p, record, year) for p in promises)
        if not said:
            said = f"{OUTCOME_WORDS[issue.outcome]}（{NO_LIMIT}）" if issue.outcome else NO_LIMIT
        dues = [record.first_dates.get(p.id, p.due_on) for p in promises]
        due = max(dues) if dues else first.due_on if first else None
        rows.append(
            [
                f"{issue.number:02d}",
                clause(issue.title),
                said,
                lead.name if lead else "",
                "、".join(helpers),
                due.isoformat() if due else NO_LIMIT,
            ]
        )
    if not rows:
        return None
    days = sorted({a.assigned_on for i in record.own for a in record.assignments[i]})
    note = f"注：交办日为{day_words(days[0])}。" if len(days) == 1 else None
    return {
        "key": "handed_over",
        "title": "问题交办清单",
        "columns": ["编号", "问题", "承诺措施和时限", "主办单位", "会办单位", "办结时限"],
        "widths": [6, 17, 30, 15, 19, 13],
        "rows": rows,
        "note": note,
    }


def _counted(record: Record) -> dict[str, Any] | None:
    rows = []
    for issue in record.issues:
        ballot = record.ballots.get(issue.id)
        if ballot is None:
            continue
        lead = _handing(record, issue).lead
        number = f"{issue.number:02d}" if issue.id in record.own else issue.reference
        counts = [ballot.satisfied, ballot.mostly_satisfied, ballot.dissatisfied, ballot.invalid]
        rows.append([number, lead.name if lead else "", *counts, VERDICT_WORDS[ballot.verdict]])
    if not rows:
        return None
    left = [f"{i.number:02d}" for i in record.issues if i.id in record.own and i.id not in record.ballots]
    note = f"注：{'、'.join(left)}号问题不测评。" if left else None
    return {
        "key": "counted",
        "title": "满意度测评汇总表",
        "columns": ["编号", "答复单位", "满意", "基本满意", "不满意", "废票", "结果"],
        "widths": [8, 30, 11, 14, 12, 11, 14],
        "rows": rows,
        "note": note,
    }


def compose(hearing: Hearing) -> dict[str, Any]:
    """What the record of a hearing says, as minutes: a JSON-able dict in `"format": 1`.

    A number of statements that does not grow with issues or seats. Who drafted, reviewed and issued it, and the
    version, are filled in by `printable()`.
    """
    record = record_of(hearing)
    config = current_app.config
    kind = HearingKind(hearing.kind)
    mark = config["MINUTES_MARK"]
    if kind != HearingKind.NIGHT_HEARING:
        mark = f"{config['SYSTEM_NAME']}{KIND_WORDS[kind]}纪要"
    if hearing.serial_no:
        title = f"第{hearing.serial_no}期{mark}"
        meeting = f"第{hearing.serial_no}期{config['SYSTEM_NAME']}"
    else:
        title = f"{clause(hearing.title)}纪要"
        meeting = quoted(clause(hearing.title))
    sections: list[dict[str, Any]] = [
        {"key": "situation", "heading": "一、总体情况", "paragraphs": _situation(record), "items": []},
        {
            "key": "items",
            "heading": "二、询问答复及议定事项",
            "paragraphs": [],
            "items": [_item(record, i) for i in record.issues],
        },
        {"key": "ballot", "heading": "三、满意度测评结果", "paragraphs": _ballot_result(record), "items": []},
        {"key": "requirements", "heading": "四、会议要求", "paragraphs": _requirements(record), "items": []},
    ]
    if not record.issues:
        sections[1]["paragraphs"] = ["本次会议没有询问事项。"]
    return settled(
        {
            "format": 1,
            "kind": "minutes",
            "language": "zh-CN",
            "organisation": config["ORGANISATION"],
            "mark": mark,
            "serial_no": hearing.serial_no,
            "code": hearing.code,
            "issuer": config["OFFICE_NAME"],
            "issued_on": None,
            "title": title,
            "overview": _overview(record, meeting),
            "sections": sections,
            "attendance": _attendance(record),
            "attachments": [t for t in (_handed_over(record), _counted(record)) if t is not None],
            "cc": list(config["MINUTES_CC"]),
            "drafted_by": None,
            "reviewed_by": None,
            "issued_by": None,
            "version": 1,
            "correction_reason": None,
            "draft": True,
            "single_sided": bool(config["SINGLE_SIDED"]),
            "data": machine(record),
        }
    )


def printable(content: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """The dict as it goes to paper: the composed content with signatures, version and date filled in."""
    return copy.deepcopy(dict(content)) | facts


def fingerprint(content: Mapping[str, Any]) -> str:
    """SHA-256 of the dict, written in one way only."""
    words = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(words.encode()).hexdigest()


# -- parts: what is edited, compared and taken over one by one ------------------------------------------


class Piece(NamedTuple):
    """One editable or comparable piece of the minutes."""

    key: str
    kind: str
    """line, prose, list (one entry a line), table (follows the record, not edited by hand), or facts."""
    text: str
    about: str
    """What it is about, in the paper's words: an item's number and title, a heading."""


_MEASURE = re.compile(r"^\d{1,3}[.．]\s*\S")
FACTS = ("mark", "serial_no", "code", "organisation", "issuer", "single_sided")
"""What stands in the head and is never edited: number, mark, offices."""


def _items(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    return next((s["items"] for s in content["sections"] if s["key"] == "items"), [])


def settled(content: dict[str, Any]) -> dict[str, Any]:
    """Give the items their running numerals again. Changes and returns the dict."""
    for n, item in enumerate(_items(content), 1):
        item["heading"] = f"（{numeral(n)}）{item['title']}"
    return content


def pieces(content: Mapping[str, Any]) -> dict[str, Piece]:
    """Everything of the minutes by key, in the order of the paper."""
    found = [
        Piece("facts", "facts", "\n".join(str(content[f]) for f in FACTS), ""),
        Piece("title", "line", content["title"], ""),
        Piece("overview", "prose", "\n".join(content["overview"]), ""),
    ]
    for section in content["sections"]:
        if section["key"] != "items" or not section["items"]:
            found.append(Piece(section["key"], "prose", "\n".join(section["paragraphs"]), section["heading"]))
        for item in section["items"]:
            about = f"{item['number']} {item['title']}"
            found.append(Piece(f"{item['key']}_title", "line", item["title"], about))
            words = "\n".join([*item["paragraphs"], *item["measures"]])
            found.append(Piece(item["key"], "prose", words, about))
    for group in content["attendance"]:
        found.append(Piece(f"list_{group['key']}", "list", "\n".join(group["groups"]), group["label"]))
    for table in content["attachments"]:
        rows = [*("｜".join(str(c) for c in row) for row in table["rows"]), table["note"] or ""]
        found.append(Piece(f"table_{table['key']}", "table", "\n".join(rows).strip(), table["title"]))
    found.append(Piece("cc", "list", "\n".join(content["cc"]), ""))
    return {p.key: p for p in found}


def with_texts(content: Mapping[str, Any], texts: Mapping[str, str | None]) -> dict[str, Any]:
    """A copy with these pieces (by key; lines, prose and lists) written anew."""
    made = copy.deepcopy(dict(content))
    lines = {key: [line.strip() for line in (words or "").split("\n") if line.strip()] for key, words in texts.items()}
    if "title" in lines:
        made["title"] = "".join(lines["title"]) or made["title"]
    for key in ("overview", "cc"):
        if key in lines:
            made[key] = lines[key]
    for section in made["sections"]:
        if section["key"] in lines:
            section["paragraphs"] = lines[section["key"]]
        for item in section["items"]:
            if f"{item['key']}_title" in lines:
                fresh = "".join(lines[f"{item['key']}_title"]) or item["title"]
                _retitle(made["attachments"], item, fresh)
                item["title"] = fresh
            if item["key"] in lines:
                whole = lines[item["key"]]
                cut = len(whole)
                while cut and _MEASURE.match(whole[cut - 1]):
                    cut -= 1
                item["paragraphs"], item["measures"] = whole[:cut], whole[cut:]
    for group in made["attendance"]:
        if f"list_{group['key']}" in lines:
            group["groups"] = lines[f"list_{group['key']}"]
    return settled(made)


def _retitle(tables: Iterable[Mapping[str, Any]], item: Mapping[str, Any], fresh: str) -> None:
    """An issue is called the same in the text and in the attached lists, where 关于…的问题 is left out."""
    is_plain = not (fresh.startswith("关于") and fresh.endswith("的问题"))
    plain = fresh if is_plain else fresh.removeprefix("关于").removesuffix("的问题")
    for table in (t for t in tables if "问题" in t["columns"]):
        at = table["columns"].index("问题")
        for row in table["rows"]:
            if row[0] == item["number"] and item["title"] in (row[at], heading_of(row[at])):
                row[at] = plain


class Difference(NamedTuple):
    """A piece on which the record no longer says what it said when the prose was taken from it."""

    key: str
    kind: str
    about: str
    was: str | None
    """What the record said then; None: there was no such piece."""
    now: str | None
    mine: str | None
    """What stands in the minutes."""

    @property
    def is_edited(self) -> bool:
        return self.mine != self.was


def differences(content: Mapping[str, Any], was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Where the record has changed since and the minutes do not say so, in the order of the paper."""
    mine, then, fresh = pieces(content), pieces(was), pieces(now)
    found = []
    for key in [*fresh, *(k for k in then if k not in fresh)]:
        before, after, here = then.get(key), fresh.get(key), mine.get(key)
        if (before and before.text) == (after and after.text) or (after and after.text) == (here and here.text):
            continue
        some = after or before
        assert some is not None
        if key == "items" or (key.endswith("_title") and (before is None or after is None)):
            continue  # comes and goes with the items themselves
        found.append(
            Difference(key, some.kind, some.about, before and before.text, after and after.text, here and here.text)
        )
    return found


def take(content: Mapping[str, Any], source: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """A copy with these pieces as `source` has them: changed, added in its order, or gone."""
    made = copy.deepcopy(dict(content))
    other = copy.deepcopy(dict(source))
    wanted = set(keys)
    if "facts" in wanted:
        made |= {f: other[f] for f in FACTS}
    for key in ("title", "overview", "cc"):
        if key in wanted:
            made[key] = other[key]
    theirs = {s["key"]: s for s in other["sections"]}
    for section in made["sections"]:
        if section["key"] in wanted and section["key"] in theirs:
            section["paragraphs"] = theirs[section["key"]]["paragraphs"]
        if section["key"] == "items":
            section["items"] = _taken(section["items"], theirs["items"]["items"], wanted)
            section["paragraphs"] = [] if section["items"] else theirs["items"]["paragraphs"] or section["paragraphs"]
    made["attendance"] = _rows_taken(made["attendance"], other["attendance"], wanted, "list_", ATTENDANCE_ORDER)
    made["attachments"] = _rows_taken(made["attachments"], other["attachments"], wanted, "table_", ANNEX_ORDER)
    return settled(made)


ATTENDANCE_ORDER = ("present", "on_leave", "in_attendance", "public_gallery")
ANNEX_ORDER = ("handed_over", "counted")


def _taken(mine: list[dict[str, Any]], theirs: list[dict[str, Any]], wanted: set[str]) -> list[dict[str, Any]]:
    new = {i["key"]: i for i in theirs}
    kept = []
    for item in mine:
        key = item["key"]
        if key not in new:
            if key not in wanted and f"{key}_title" not in wanted:
                kept.append(item)
            continue
        if key in wanted:
            item["paragraphs"], item["measures"] = new[key]["paragraphs"], new[key]["measures"]
        if f"{key}_title" in wanted:
            item["title"] = new[key]["title"]
        kept.append(item)
    have = {i["key"] for i in kept}
    place = {i["key"]: n for n, i in enumerate(theirs)}
    for item in theirs:
        if item["key"] in have or not {item["key"], f"{item['key']}_title"} & wanted:
            continue
        before = [n for n, k in enumerate(kept) if place.get(k["key"], -1) < place[item["key"]]]
        kept.insert(before[-1] + 1 if before else 0, item)
    return kept


def _rows_taken(
    mine: list[dict[str, Any]], theirs: list[dict[str, Any]], wanted: set[str], prefix: str, order: Sequence[str]
) -> list[dict[str, Any]]:
    rows = {r["key"]: r for r in mine}
    new = {r["key"]: r for r in theirs}
    for key in order:
        if prefix + key in wanted:
            rows.pop(key, None)
            if key in new:
                rows[key] = new[key]
    return [rows[k] for k in order if k in rows]
