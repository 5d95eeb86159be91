"""Papers made before a hearing and on the night: notice, public notice, sign-in sheet, name cards, issue list.

Every composer takes the hearing and returns the dict of its template (templates/documents). Contents after
domain.md §5.1 and what district offices print; Chinese, whatever the reader's language.
"""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from flask import current_app, has_request_context, request
from flask_babel import lazy_gettext as _l

from .. import workdays
from ..audit import trail
from ..db import LOCAL
from ..documents.text import width
from ..issues.models import Issue, Outcome, Part
from ..minutes.content import OUTCOME_WORDS, clause, day_words, numeral, post, sentence, unit_of
from ..minutes.queries import Record
from ..schedule.models import AttendanceList, Came, Capacity, Hearing, HearingKind, HearingStatus, Participant
from . import queries
from .registry import Group, Paper, announced, draft_or_later, register

BLANK = "　" * 6
"""Room to write a name or a number in by hand."""
OFFICES = (Capacity.DEPARTMENT_HEAD, Capacity.STREET_OFFICE)
LISTS = {AttendanceList.PRESENT: "出席", AttendanceList.IN_ATTENDANCE: "列席", AttendanceList.PUBLIC_GALLERY: "旁听"}
FULL_ADDRESS = 8
"""So many offices are addressed by name; more are 各应询单位."""

# -- words all these papers share ------------------------------------------------------------------------


def _frame(hearing: Hearing, title: str) -> dict[str, Any]:
    config = current_app.config
    return {
        "language": "zh-CN",
        "organisation": config["ORGANISATION"],
        "title": title,
        "draft": hearing.status == HearingStatus.DRAFT,
        "single_sided": bool(config["SINGLE_SIDED"]),
    }


def meeting_name(hearing: Hearing) -> str:
    """第9期人大代表民生夜询会; of other kinds, and before the number is given, the name alone."""
    if hearing.kind != HearingKind.NIGHT_HEARING:
        return clause(hearing.title)
    name: str = current_app.config["SYSTEM_NAME"]
    return f"第{hearing.serial_no}期{name}" if hearing.serial_no else name


def _hold(hearing: Hearing) -> str:
    """One holds a meeting and carries out a look-back."""
    return "开展" if hearing.kind == HearingKind.LOOK_BACK else "召开"


def _clock(moment: datetime) -> str:
    return f"{moment.hour}时" + (f"{moment.minute}分" if moment.minute else "")


def _day(day: date) -> str:
    return f"{day_words(day)}（星期{'一二三四五六日'[day.weekday()]}）"


def time_of(hearing: Hearing) -> str:
    """2021年3月25日（星期四）19时至21时, as planned."""
    begin, end = hearing.starts_at.astimezone(LOCAL), hearing.ends_at.astimezone(LOCAL)
    until = "" if end.date() == begin.date() else day_words(end.date(), begin.year)
    return f"{_day(begin.date())}{_clock(begin)}至{until}{_clock(end)}"


def _padded(name: str) -> str:
    """Names of two characters spread to three, as lists print them: 张　三."""
    return f"{name[0]}　{name[1]}" if len(name) == 2 and not name.isascii() else name


def _post(seat: Participant) -> str:
    """Unit and title as they stand on a list."""
    unit, title = unit_of(seat, current_app.config["ORGANISATION"]), seat.title or ""
    if not unit and not title:
        return {Capacity.DEPUTY: "区人大代表", Capacity.RESIDENT: "选民代表"}.get(seat.capacity, "")
    return post(unit, title)


def _known_by_name(seat: Participant) -> bool:
    """Residents never are: their names stand on no paper."""
    return bool(seat.name) and seat.capacity != Capacity.RESIDENT


def page_address(hearing: Hearing) -> str:
    """The address of the hearing's page: under BASE_URL, else where this request came in."""
    base = current_app.config["BASE_URL"] or (request.host_url if has_request_context() else "")
    return f"{base.rstrip('/')}/hearings/{hearing.id}"


def _signature(hearing: Hearing, day: date | None) -> dict[str, Any]:
    """The office under its seal; a draft leaves the date to be written in."""
    written = day_words(day) if day else "　　　　年　　月　　日"
    return {"organ": current_app.config["OFFICE_NAME"], "date": written, "sealed": True}


def _announced_on(hearing: Hearing) -> tuple[date | None, bool]:
    """The day the time that stands was made known, and whether it replaces an earlier one."""
    if hearing.announced_at is None:
        return None, False
    moved = [line.at for line in trail(hearing) if line.action == "hearing.reschedule"]
    last = max([hearing.announced_at, *moved])
    return last.astimezone(LOCAL).date(), bool(moved)


_PHONE = re.compile(r"(?<!\d)1[3-9]\d(?:[ -]?\d){8}(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)\d{17}[\dXx](?!\w)")


def discreet(words: str, issue: Issue) -> str:
    """What was typed about an issue, without the resident's name, a mobile number or an identity number."""
    words = _PHONE.sub("（号码略）", _IDENTITY.sub("（号码略）", words))
    if issue.resident and len(issue.resident) > 1:
        words = words.replace(issue.resident, "选民")
    return words


# -- notice of the hearing (会议通知) ---------------------------------------------------------------------


def notice(hearing: Hearing) -> dict[str, Any]:
    """The notice to those invited, with the list of topics as its attachment.

    It is one paper for all who are addressed: each office finds the topics it is to answer by their numbers.
    """
    seats = queries.seats_of(hearing)
    topics = queries.topics_of(hearing)
    day, moved = _announced_on(hearing)
    name = meeting_name(hearing)
    purpose = {
        HearingKind.NIGHT_HEARING: "为密切人大代表同人民群众的联系，推动解决群众关心的民生问题",
        HearingKind.LOOK_BACK: "为跟踪问题办理情况，推动承诺事项落到实处",
        HearingKind.EVALUATION_MEETING: "为检验办理成效，推动办理工作落实",
        HearingKind.GROUP_CONSULTATION: "为加强代表与承办单位的沟通，推动问题解决",
    }[HearingKind(hearing.kind)]
    opening = (
        f"{purpose}，经研究，定于{_day(hearing.day)}{_hold(hearing)}{_quoted(hearing, name)}。现将有关事项通知如下："
    )
    place = [f"时间：{time_of(hearing)}。", f"地点：{hearing.place}。"]
    if hearing.theme:
        place.append(f"主题：{clause(hearing.theme)}。")
    bodies: list[tuple[str, list[str]]] = [
        ("会议时间、地点" + ("和主题" if hearing.theme else ""), place),
        ("参加人员", _invited(seats, _called(hearing))),
        ("会议议程", _agenda(hearing, seats)),
    ]
    if hearing.kind == HearingKind.NIGHT_HEARING:
        bodies.append(("应询事项", _put_to(topics)))
    bodies.append(("有关要求", _wanted(hearing, seats, day)))
    sections = [
        {"heading": f"{numeral(n)}、{heading}", "paragraphs": lines} for n, (heading, lines) in enumerate(bodies, 1)
    ]
    paper = _frame(hearing, f"关于{_hold(hearing)}{_quoted(hearing, name)}的通知") | {
        "code": hearing.code,
        "addressee": _addressee(seats, _called(hearing)),
        "paragraphs": [opening],
        "sections": sections,
        "signature": _signature(hearing, day),
        "attachments": [_topic_list(topics)] if topics else [],
    }
    if moved:
        paper["remark"] = "会议时间、地点与此前通知不一致的，以本通知为准"
    return paper


def _quoted(hearing: Hearing, name: str) -> str:
    """A title that somebody wrote stands as it is; nothing is put between marks twice."""
    return name if hearing.kind == HearingKind.NIGHT_HEARING or "“" in name or name.endswith("会") else f"“{name}”"


def _called(hearing: Hearing) -> str:
    """Departments answer at a hearing; at other meetings they report on what they handle."""
    return "应询单位" if hearing.kind == HearingKind.NIGHT_HEARING else "承办单位"


def _addressee(seats: Sequence[Participant], offices_called: str) -> str:
    """主送: offices by name, then the street committees and deputies invited."""
    offices = [s.department.name for s in seats if s.department is not None]
    groups = []
    if len(offices) > FULL_ADDRESS:
        groups.append(f"各{offices_called}")
    elif offices:
        groups.append("、".join(offices))
    if any(s.capacity == Capacity.STREET_COMMITTEE for s in seats):
        groups.append("有关街道人大工委")
    if any(s.capacity == Capacity.DEPUTY for s in seats):
        groups.append("有关区人大代表")
    return ("，".join(groups) or "各有关单位") + "："


def _invited(seats: Sequence[Participant], offices_called: str) -> list[str]:
    """Who should come, by capacity and in protocol order; residents and unnamed seats by number."""

    def named(*capacities: Capacity) -> list[str]:
        return [_post(s) + s.name for s in seats if s.capacity in capacities and s.name]

    def counted(*capacities: Capacity, but_named: bool = False) -> int:
        return sum(s.seats for s in seats if s.capacity in capacities and not (but_named and s.name))

    def offices(capacity: Capacity) -> list[str]:
        return [s.department.name if s.department else _post(s) for s in seats if s.capacity == capacity]

    deputies = [s.name for s in seats if s.capacity == Capacity.DEPUTY and s.name]
    more = counted(Capacity.DEPUTY, but_named=True)
    deputies_said = "、".join(deputies) + (f"等{len(deputies) + more}名" if deputies and more else "")
    residents = counted(Capacity.RESIDENT)
    helpers = counted(Capacity.RECORDER, Capacity.STAFF, Capacity.MEDIA, Capacity.OBSERVER)
    groups = (
        ("主持人", "、".join(named(Capacity.CHAIR))),
        ("区人大常委会领导", "、".join(named(Capacity.COMMITTEE_LEADER))),
        ("区政府领导", "、".join(named(Capacity.GOVERNMENT_LEADER))),
        (f"{offices_called}主要负责人", "、".join(offices(Capacity.DEPARTMENT_HEAD))),
        ("街道办事处负责人", "、".join(offices(Capacity.STREET_OFFICE))),
        ("街道人大工委负责人", "、".join(named(Capacity.STREET_COMMITTEE))),
        ("区人大代表", deputies_said or (f"{more}名" if more else "")),
        ("选民代表", f"{residents}名" if residents else ""),
        ("工作人员、媒体和旁听人员", f"{helpers}名" if helpers else ""),
    )
    said = [f"{n}. {label}：{who}。" for n, (label, who) in enumerate([g for g in groups if g[1]], 1)]
    return said or ["参加人员另行通知。"]


def _agenda(hearing: Hearing, seats: Sequence[Participant]) -> list[str]:
    """The order of the evening (domain.md §1.5), or of the meeting of another kind (§1.3)."""
    government = any(s.capacity == Capacity.GOVERNMENT_LEADER for s in seats)
    committee = any(s.capacity == Capacity.COMMITTEE_LEADER for s in seats)
    steps: list[str]
    match hearing.kind:
        case HearingKind.LOOK_BACK:
            steps = ["实地查看或听取承诺事项办理情况", "代表、选民代表发表意见", "逐项提出结论，明确下一步时限"]
        case HearingKind.EVALUATION_MEETING:
            steps = ["承办单位报告办理情况", "代表、选民代表评议", "进行满意度测评"]
        case HearingKind.GROUP_CONSULTATION:
            steps = ["承办单位介绍办理情况", "代表与承办单位面商", "形成面商意见"]
        case _:
            steps = ["代表提出问题，应询单位答复，代表追问", "应询单位作出承诺，明确措施、责任单位和时限"]
            if (hearing.serial_no or 0) > 1:
                steps.insert(0, "通报上期夜询会问题办理情况")
            steps.append("进行满意度测评并宣布结果")
    if government:
        steps.append("区政府领导讲话")
    if committee:
        steps.append("区人大常委会领导讲话")
    return [f"{n}. {step}。" for n, step in enumerate(steps, 1)]


def _put_to(topics: Sequence[Any]) -> list[str]:
    """Which topics each office is to answer, by their numbers on the attached list."""
    numbers: dict[int, tuple[str, list[int]]] = {}
    for n, topic in enumerate(topics, 1):
        for office in _in_order(topic.departments):
            numbers.setdefault(office.id, (office.name, []))[1].append(n)
    if not topics:
        return ["会议议题另行通知。"]
    if not numbers:
        return ["会议议题见附件，应询单位另行明确。"]
    said = [f"{name}：第{'、'.join(map(str, which))}项" for name, which in numbers.values()]
    return [f"请应询单位对照议题清单（见附件）做好应询准备：{'；'.join(said)}。"]


def _wanted(hearing: Hearing, seats: Sequence[Participant], announced_on: date | None) -> list[str]:
    """Who comes, what to bring, reply by when, to whom."""
    config = current_app.config
    offices = any(s.capacity in OFFICES for s in seats)
    reply_by = _reply_by(hearing)
    by = f"{_day(reply_by)}前" if announced_on is None or reply_by > announced_on else "收到通知后"
    lines = ["请参加人员提前15分钟到会签到，会议期间将手机调至静音。"]
    if offices:
        called = _called(hearing)
        come = "到会应询" if hearing.kind == HearingKind.NIGHT_HEARING else "参加"
        lines.append(f"{called}由主要负责人{come}；确因公务不能到会的，应当事先请假，并委托熟悉情况的分管负责人参加。")
        if hearing.kind == HearingKind.NIGHT_HEARING:
            lines.append(
                "请应询单位准备书面材料，写明基本情况、有关数据、存在问题和拟采取的措施。"
                "现场答复应当简明，承诺事项应当有措施、有责任单位、有完成时限。"
            )
        else:
            lines.append("请承办单位准备书面材料，写明承诺事项完成情况、有关数据和佐证、存在问题和下一步完成时限。")
    what = "参会人员姓名、职务和书面材料" if offices else "参会人员名单"
    lines.append(f"请于{by}将{what}报{config['OFFICE_NAME']}。")
    who, phone = hearing.station.contact or BLANK, hearing.station.contact_phone or BLANK
    lines.append(f"联系人：{who}，联系电话：{phone}。")
    return [f"{n}. {line}" for n, line in enumerate(lines, 1)]


def _reply_by(hearing: Hearing) -> date:
    """So many days before the hearing as notices ask for, or the last working day before that."""
    day = hearing.day - timedelta(days=int(current_app.config["NOTICE_DAYS"]))
    table = workdays.overrides()
    for _step in range(15):  # no holiday is longer
        if workdays.is_workday(day, table):
            break
        day -= timedelta(days=1)
    return day


def _topic_list(topics: Sequence[Any]) -> dict[str, Any]:
    rows = [
        [
            str(n),
            clause(topic.title),
            "、".join(d.name for d in _in_order(topic.departments)) or "待明确",
        ]
        for n, topic in enumerate(topics, 1)
    ]
    return {"title": "议题清单", "columns": ["序号", "议题", "应询单位"], "widths": [8, 52, 40], "rows": rows}


def _in_order(offices: Iterable[Any]) -> list[Any]:
    return sorted(offices, key=lambda office: (office.position, office.id))


# -- public notice for the station's door (公告) ----------------------------------------------------------

LARGE_LINES, LARGE_WIDTH = 14, 24
"""Lines, and characters a line, that a large notice has room for under a title of two lines and over its signature."""
CODE_LINES = 3
"""Lines that a square code over the title takes of that room."""


def public_notice(hearing: Hearing) -> dict[str, Any]:
    """What hangs on the station's door: what, when, where, theme, how residents take part. Nobody's name."""
    day, moved = _announced_on(hearing)
    name = meeting_name(hearing)
    station = hearing.station
    opening = {
        HearingKind.NIGHT_HEARING: "区人大代表将听取居民意见，请有关部门负责人现场答复群众关心的民生问题。",
        HearingKind.LOOK_BACK: "区人大代表将现场查看问题办理情况，听取居民意见。",
    }.get(HearingKind(hearing.kind), "区人大代表将听取办理情况和居民意见。")
    lines = [f"{opening}现将有关事项公告如下：", f"时间：{time_of(hearing)}。", f"地点：{hearing.place}。"]
    if hearing.theme:
        lines.append(f"主题：{clause(hearing.theme)}。")
    phone = f"，也可拨打联络站电话{station.contact_phone}" if station.contact_phone else ""
    lines += [
        f"反映问题：会前可到{station.name}向人大代表当面反映，或投入站内意见箱{phone}。",
        "参加会议：居民可到站报名旁听，名额有限，以报名先后为序。",
        "诉讼、仲裁等事项请通过法定途径提出，不在会上受理。",
    ]
    if moved:
        lines.append("此前公告的时间、地点与本公告不一致的，以本公告为准。")
    title = f"关于{_hold(hearing)}{_quoted(hearing, name)}的公告"
    taken = sum(math.ceil((width(line) + 2.5) / LARGE_WIDTH) for line in lines)
    code: dict[str, Any] = {}
    if station.feed_is_public and current_app.config["BASE_URL"]:  # an address that nobody can read is not printed
        address = f"{current_app.config['BASE_URL'].rstrip('/')}/stations/{station.id}/calendar.ics"
        code["qr"] = {"url": address, "caption": "扫码订阅本站会议日历"}
        taken += CODE_LINES
    return (
        _frame(hearing, title)
        | {
            "large": taken <= LARGE_LINES and width(title) <= 28,
            "paragraphs": lines,
            "signature": _signature(hearing, day),
        }
        | code
    )


# -- sign-in sheet (签到表) ------------------------------------------------------------------------------

SIGN_IN = ["序号", "单位及职务", "姓名", "签名", "代会人员", "到会时间"]
SIGN_IN_WIDTHS = [7, 30, 14, 19, 17, 13]
SPARE_ROWS = 5


def sign_in_sheet(hearing: Hearing) -> dict[str, Any]:
    """The lists in protocol order, to be signed; who has signed in by phone stands there with the time."""
    lists: dict[AttendanceList, list[list[str]]] = {listed: [] for listed in LISTS}
    for seat in queries.seats_of(hearing):
        lists[seat.listed] += _sign_in_rows(seat)
    tables = []
    number = 0
    for listed, rows in lists.items():
        for row in rows:
            number += 1
            row[0] = str(number)
        if rows:
            tables.append(_sign_in_table(LISTS[listed], rows))
    spare = [[str(number + n), "", "", "", "", ""] for n in range(1, SPARE_ROWS + 1)]
    tables.append(_sign_in_table("其他到会人员", spare))
    tables[-1]["note"] = "注：代他人参加的，请在“代会人员”栏写明本人姓名、职务。"
    return _frame(hearing, f"{meeting_name(hearing)}签到表") | {
        "code": hearing.code,
        "qr": {"url": page_address(hearing), "caption": "扫码打开本次会议页面（须登录）"},
        "paragraphs": [f"时间：{time_of(hearing)}", f"地点：{hearing.place}"],
        "tables": tables,
    }


def _sign_in_table(title: str, rows: list[list[str]]) -> dict[str, Any]:
    return {"title": title, "columns": SIGN_IN, "widths": SIGN_IN_WIDTHS, "rows": rows, "tall": True, "left": [1]}


def _sign_in_rows(seat: Participant) -> list[list[str]]:
    post = _post(seat)
    when, here = "", seat.came == Came.SIGNED_IN
    if here and seat.came_at is not None:
        when = seat.came_at.astimezone(LOCAL).strftime("%H:%M")
    elif seat.came == Came.ON_LEAVE:
        when = "请假"
    if not _known_by_name(seat):
        taken = seat.seats if seat.seats_taken is None else seat.seats_taken
        return [["", post, "", "", "", when if n < taken or not here else ""] for n in range(seat.seats)]
    proxy = ""
    if seat.stand_in_name and (seat.is_stand_in or not here):  # who came himself needs none
        proxy = f"{seat.stand_in_name}{'（' + seat.stand_in_title + '）' if seat.stand_in_title else ''}"
    return [["", post, _padded(seat.name or ""), "", proxy, when]]


# -- name cards (桌签) -----------------------------------------------------------------------------------


def name_cards(hearing: Hearing) -> dict[str, Any]:
    """A card for each office and each person with a name, in protocol order; none for residents and press."""
    cards = []
    for seat in queries.seats_of(hearing):
        if seat.capacity in (Capacity.RESIDENT, Capacity.MEDIA, Capacity.OBSERVER):
            continue
        if seat.department is not None:
            who = f"{seat.title or ''}　{_padded(seat.name)}".strip("　") if seat.name else ""
            cards.append({"name": seat.department.name, "unit": who})
        elif seat.name:
            cards.append({"name": _padded(seat.name), "unit": _post(seat)})
    frame = _frame(hearing, f"{meeting_name(hearing)}桌签")
    return {key: frame[key] for key in ("language", "organisation", "title")} | {"cards": cards}


# -- issue list (问题清单) -------------------------------------------------------------------------------


def issue_list(hearing: Hearing) -> dict[str, Any]:
    """Every issue: number, who raised it, what, who answers, the outcome, the promises with their dates."""
    record = queries.record_of(hearing)
    whole: list[list[str]] = []
    rows = [_issue_row(record, issue, whole) for issue in record.issues]
    own = [i for i in record.issues if i.id in record.own]
    refused = sum(i.outcome == Outcome.NOT_ACCEPTED for i in own)
    heard = len(record.issues) - len(own)
    said = [f"提出问题{len(own)}个，受理{len(own) - refused}个" + (f"，不予受理{refused}个" if refused else "")]
    if heard:
        said = [*(said if own else []), f"听取办理情况{heard}个"]
    table = {
        "columns": ["编号", "提出人", "问题", "答复单位", "处置", "承诺事项和完成时限"],
        "widths": [7, 12, 33, 14, 10, 24],
        "rows": rows,
        "note": f"注：{'；'.join(said)}。处置栏为空的，会上尚未明确。",
    }
    by = f"会议时间：{_day(hearing.day)}　　编制单位：{current_app.config['OFFICE_NAME']}"
    return _frame(hearing, f"{meeting_name(hearing)}问题清单") | {
        "code": hearing.code,
        "landscape": True,
        "paragraphs": [by, f"会议地点：{hearing.place}"],
        "tables": [table, *([_in_full(whole)] if whole else [])],
    }


def _in_full(whole: list[list[str]]) -> dict[str, Any]:
    return {"title": "附：问题和承诺事项全文", "columns": ["编号", "全文"], "widths": [8, 92], "rows": whole}


def _issue_row(record: Record, issue: Issue, whole: list[list[str]]) -> list[str]:
    """One row; words too long for it stand in full in `whole`, by the same number."""
    year = record.hearing.day.year
    number = f"{issue.number:02d}" if issue.id in record.own else issue.reference

    def short(words: str) -> str:
        if len(words) <= LONGEST:
            return words
        whole.append([number, words])
        return words[:LONGEST].rstrip("，；、。 ") + "……（全文附后）"

    title, words = clause(issue.title), short(sentence(discreet(issue.statement, issue)))
    promises = []
    for promise in record.commitments[issue.id]:
        first = record.first_dates.get(promise.id, promise.due_on)
        later = f"，经同意延至{day_words(promise.due_on, year)}" if promise.due_on != first else ""
        promises.append(f"{short(clause(promise.measure))}（{promise.lead.name}，{day_words(first, year)}前{later}）")
    numbered = [f"{n}. {p}" for n, p in enumerate(promises, 1)] if len(promises) > 1 else promises
    return [
        number,
        _raised_by(issue),
        words if clause(words).startswith(title) else f"{title}。{words}",
        "、".join(_answering(record, issue)),
        OUTCOME_WORDS[issue.outcome] if issue.outcome else "",
        "；".join(numbered) + ("。" if numbered else ""),
    ]


LONGEST = 300
"""Characters of a statement or a measure in a row, which is read at a glance; what is longer follows in full."""


def _raised_by(issue: Issue) -> str:
    """Deputies by name; a resident never, only through whom."""
    deputies = [u.name for u in ([issue.lead_deputy] if issue.lead_deputy else []) + list(issue.cosigners)]
    if issue.resident or issue.community or not deputies:
        return f"选民代表（{deputies[0]}代为提出）" if deputies else "选民代表"
    return "、".join(deputies)


def _answering(record: Record, issue: Issue) -> Iterable[str]:
    """Who handles it: the assignment's leads, else who promised, else who answered in the room."""
    leads = [a.department.name for a in record.assignments[issue.id] if a.part != Part.CO_HANDLER]
    promised = [p.lead.name for p in record.commitments[issue.id]]
    spoke = [t.department.name for t in record.exchanges[issue.id] if t.department is not None]
    return dict.fromkeys(leads or promised or spoke)


# -- in the table ----------------------------------------------------------------------------------------

register(
    Paper(
        key="notice",
        label=_l("Notice of the hearing"),
        purpose=_l("To the departments and participants invited, with the list of topics."),
        file="会议通知",
        compose=notice,
        when=draft_or_later,
        group=Group.BEFORE,
        public_to_readers=True,
    ),
    Paper(
        key="public-notice",
        label=_l("Public notice"),
        purpose=_l("For the station's door: when, where, and how residents take part; no personal data."),
        file="公告",
        compose=public_notice,
        when=draft_or_later,
        group=Group.BEFORE,
        public_to_readers=True,
    ),
    Paper(
        key="sign-in",
        label=_l("Sign-in sheet"),
        purpose=_l("The lists to be signed at the door, with a QR code to this hearing's page."),
        file="签到表",
        compose=sign_in_sheet,
        when=lambda state: announced(state) or (None if state.seats else _l("Nobody has been invited yet.")),
        group=Group.NIGHT,
    ),
    Paper(
        key="cards",
        label=_l("Name cards"),
        purpose=_l("Two to a sheet, to be cut and folded; the name on both faces."),
        file="桌签",
        template="cards",
        compose=name_cards,
        when=lambda state: (
            announced(state) or (None if state.cards else _l("Nobody with a name has been invited yet."))
        ),
        group=Group.NIGHT,
    ),
    Paper(
        key="issues",
        label=_l("Issue list"),
        purpose=_l("What was raised, who answers, what was decided and promised."),
        file="问题清单",
        compose=issue_list,
        when=lambda state: (
            announced(state) or (None if state.issues + state.agenda else _l("No issue has been logged yet."))
        ),
        group=Group.AFTER,
    ),
)
