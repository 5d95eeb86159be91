"""The other hearings: a real office's years, from the first in 2019 until today and a little beyond.

Everything follows from the stock and from `today`; the same day always gives the same years.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import cycle
from random import Random

from hearings.demo import fates
from hearings.demo.days import add_months, add_workdays, evening, is_workday, roll
from hearings.demo.fates import Meeting, Plan
from hearings.demo.people import (
    DEPARTMENT_LOGINS,
    DEPARTMENTS_BY_CODE,
    PEOPLE,
    PEOPLE_BY_LOGIN,
    STATIONS,
    STREET_CODES,
)
from hearings.demo.places import community, place
from hearings.demo.session9 import HEARING as NINTH
from hearings.demo.shapes import (
    Ballot,
    Commitment,
    Event,
    Exchange,
    Hearing,
    Issue,
    Participant,
    Topic,
    on,
)
from hearings.demo.speech import ON_THE_GROUND, Speaker
from hearings.demo.troubles import Case, Measure, cases

EARLIEST = date(2022, 1, 1)
"""The years are told for a today from here on."""

FIRST_NIGHTS = (
    date(2019, 5, 23),
    date(2019, 7, 11),
    date(2019, 9, 26),
    date(2019, 11, 28),
    date(2020, 6, 18),
    date(2020, 9, 17),
    date(2020, 11, 12),
    date(2021, 1, 14),
)
"""The first eight; the ninth is the example."""

THEMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("出行更顺、停车不难", ("交通出行", "停车管理", "道路设施", "公共交通")),
    ("老小区里的新期盼", ("住房物业", "公共安全", "水利防汛", "市容绿化")),
    ("一老一小", ("养老服务", "教育", "医疗卫生", "民政福利")),
    ("碧水清流与安全度汛", ("水利防汛", "公共安全", "海洋渔业", "农业农村")),
    ("家门口的健康与文化", ("医疗卫生", "文化体育", "文物保护与老街修缮")),
    ("安静、洁净、有序", ("噪声与环境", "城市管理", "市容环卫")),
    ("菜篮子与放心消费", ("市场与消费", "政务与社区", "市容环卫")),
    ("园区里的烟火气", ("就业与劳动", "公共交通", "教育", "市场与消费")),
    ("山乡与渔港", ("农业农村", "海洋渔业", "水利防汛", "文化体育")),
    ("平安过日子", ("公共安全", "住房物业", "市政公用")),
    ("上学路与放学后", ("教育", "交通出行", "文化体育")),
    ("办事少跑一趟", ("政务与社区", "医疗卫生", "民政福利", "市政公用")),
    ("群众身边的烦心事", ("住房物业", "城市管理", "交通出行", "噪声与环境")),
)

STATION_ROUND = ("XQ", "DQ", "XG", "XP", "CQ", "XQ", "BF", "CX", "GJ", "QJ", "DQ", "MS")
ISSUE_ROUND = (3, 5, 4, 5, 4, 5, 3, 7, 3, 5, 4, 5, 9, 4, 4, 3, 4, 6, 4, 3)
CHAIRS = ("li", "leader3", "leader4", "leader5")
MAYORS = ("wang", "mayor3", "mayor4", "mayor5")
EVALUATED = (9, 10)
"""months in which a look-back is held as an evaluation meeting, with a second ballot"""
DONE = {"asked", "silent", "rework", "replied"}
"""where a recent issue may stand with its promises already kept"""
SURNAMES = "王陈李张林周徐胡朱沈俞贺乐虞贝邬柴丁竺曹"
SOURCES = ("代表走访", "选民接待日", "代表码留言", "联络站意见箱", "12345热线", "上期遗留", "居民议事会")
STATION_STREET = {station.code: station.street for station in STATIONS}
DEPUTIES_OF = {
    street: tuple(p.login for p in PEOPLE if "deputy" in p.roles and p.street == street) for street in STREET_CODES
}

FATES: tuple[tuple[str, Callable[[Plan, Meeting | None], None]], ...] = (
    ("kept", lambda p, m: fates.follow(p)),
    ("seen", lambda p, m: fates.follow(p, meeting=m)),
    ("late", lambda p, m: fates.follow(p, meeting=m, late=p.rng.randint(6, 18))),
    ("kept", lambda p, m: fates.follow(p, meeting=m)),
    ("extended", lambda p, m: fates.follow(p, meeting=m, extension="granted")),
    ("seen", lambda p, m: fates.follow(p, meeting=m)),
    ("misassigned", lambda p, m: fates.follow(p, meeting=m, misassigned_to=_wrong_address(p))),
    ("kept", lambda p, m: fates.follow(p)),
    ("rejected", lambda p, m: fates.follow(p, rejected=True)),
    ("refused", lambda p, m: fates.follow(p, refused=True)),
    ("seen", lambda p, m: fates.follow(p, meeting=m)),
    ("again", lambda p, m: fates.follow(p, meeting=m, again=True)),
    ("needless extension", lambda p, m: fates.follow(p, extension="withdrawn")),
    ("waived", lambda p, m: fates.follow(p, waived=True)),
    ("supervised", lambda p, m: fates.follow(p, meeting=m, late=p.rng.randint(24, 45))),
    ("seen", lambda p, m: fates.follow(p, meeting=m)),
    ("refused extension", lambda p, m: fates.follow(p, extension="refused")),
    ("released", lambda p, m: fates.follow(p, meeting=m, released=True)),
    ("reopened", lambda p, m: fates.follow(p, reopened=p.rng.randint(150, 260))),
    ("kept", lambda p, m: fates.follow(p)),
    ("escalated", lambda p, m: fates.follow(p, meeting=m, again=True, escalated=True)),
    ("seen", lambda p, m: fates.follow(p, meeting=m)),
)


def _wrong_address(plan: Plan) -> str:
    for code in ("enforcement", "housing", "transport"):
        if code != plan.lead and code not in plan.co:
            return code
    return "govoffice"


# When


def regular_nights(until: date) -> list[date]:
    """About one a month from April 2021; none in February (Spring Festival) and August (summer)."""
    nights: list[date] = []
    year, month = 2021, 4
    while date(year, month, 1) <= until:
        if month not in (2, 8) and (year, month) != (2022, 12):
            week = 1 if month == 1 else 1 + (year * 12 + month) % 3
            weekday = 3 if (year + month) % 3 else 2
            first = date(year, month, 1)
            night = first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * week)
            for shift in (0, -7, 7, -1, 1, -8, 8):
                shifted = night + timedelta(days=shift)
                if is_workday(shifted) and shifted.weekday() in (2, 3):
                    nights.append(shifted)
                    break
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return [night for night in nights if night <= until]


def latest_night(today: date) -> date:
    """The last one that is over: not yet filed, its issues just going out."""
    return evening(today - timedelta(days=9), back=True)


# Putting one hearing together


@dataclass
class Draft:
    """A hearing on the way to its record."""

    number: int | None
    night: date
    station: str
    theme: str
    categories: tuple[str, ...]
    chair: str
    mayor: str
    deputies: tuple[str, ...]
    key: str
    meeting: Meeting | None = None
    issues: list[Issue] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)

    @property
    def street(self) -> str:
        return STATION_STREET[self.station]

    @property
    def organiser(self) -> str:
        """The street committee keeps its own station's affairs in order, else the district."""
        return "street" if self.station == "XQ" and self.night.month % 2 else "organiser"


class Years:
    """Everything that has to be remembered while the years are written down in order."""

    def __init__(self, today: date) -> None:
        if today < EARLIEST:
            raise ValueError(f"the demo's years begin to make sense on {EARLIEST.isoformat()}")
        self.today = today
        self.rng = Random("人大代表民生夜询会")
        self.speaker = Speaker(Random("发言"))
        stock = list(cases())
        self.rng.shuffle(stock)
        self.rank = {case.key: nth for nth, case in enumerate(stock)}
        self.stock = [case for case in stock if case.outcome != "not_accepted"]
        self.refusable = [case for case in stock if case.outcome == "not_accepted"]
        self.fate = cycle(FATES)
        self.study = cycle("CDBC")
        self.settled: list[tuple[Draft, Issue, Case]] = []
        """promises of old, that may come up again"""
        self.place_count = 0
        self.tracked = 0
        self.promised = 0

    # Choosing

    def draft(self, position: int, night: date, number: int | None, station: str | None = None) -> Draft:
        station = station or STATION_ROUND[position % len(STATION_ROUND)]
        theme, categories = THEMES[position % len(THEMES)]
        return Draft(
            number,
            night,
            station,
            theme,
            categories,
            CHAIRS[position % len(CHAIRS)],
            "mayor" if position % 9 == 4 else MAYORS[position % len(MAYORS)],
            self._deputies(STATION_STREET[station], position),
            f"night-{number}" if number else f"night-{night.isoformat()}",
        )

    def _deputies(self, street: str, position: int) -> tuple[str, ...]:
        """Most of the street's own, and some from elsewhere."""
        own = list(DEPUTIES_OF[street])
        turn = position % max(1, len(own))
        own = (own[turn:] + own[:turn])[:6]
        others = [login for s, logins in DEPUTIES_OF.items() if s != street for login in logins]
        start = position * 5 % len(others)
        others = (others[start:] + others[:start])[:3]
        chosen = [*own, *others]
        if position % 4 == 1 and "deputy" not in chosen:
            chosen.append("deputy")
        return tuple(chosen)

    def choose(self, draft: Draft, where: str = "") -> tuple[Case, str] | None:
        """The next case of the stock that suits the evening's theme and place, and where it is to stand."""
        used = {issue.trouble for issue in draft.issues}

        def fitness(case: Case) -> tuple[int, int, int]:
            theme = 0 if case.trouble.category in draft.categories else 1
            here = 0 if draft.street in case.trouble.streets else 1
            return theme * 2 + here * 3, case.number, self.rank[case.key]

        suited = [
            case for case in self.stock if case.trouble.key not in used and (not where or _can_stand(case, where))
        ]
        if not suited:
            return None
        case = min(suited, key=fitness)
        self.stock.remove(case)
        return case, self._street(draft, case.trouble.streets)

    def _street(self, draft: Draft, streets: tuple[str, ...]) -> str:
        if draft.street in streets and self.rng.random() < 0.75:
            return draft.street
        return self.rng.choice(streets)

    # Words

    def promises(
        self, draft: Draft, case_measures: tuple[Measure, ...], lead: str, old_lead: str
    ) -> tuple[Commitment, ...]:
        made = []
        for measure in case_measures:
            self.promised += 1
            if measure.unit == "m":
                due_on, basis = add_months(draft.night, measure.amount), f"{measure.amount} months"
            elif measure.amount in (5, 7, 10, 15) and self.promised % 2:
                due_on, basis = add_workdays(draft.night, measure.amount), f"{measure.amount} working days"
            else:
                due_on, basis = roll(draft.night + timedelta(days=measure.amount)), None
            co = tuple(code for code in measure.co if code != lead)
            if lead != old_lead:
                co = (old_lead, *(code for code in co if code != old_lead))
            made.append(Commitment(measure.text, due_on, lead, co, basis))
        return tuple(made)

    def ballot(self, draft: Draft, mood: str) -> Ballot:
        issued = len(draft.deputies) + 8 + draft.night.day % 5
        rng = self.rng
        if mood == "bad":
            satisfied = rng.randint(2, issued // 4)
            dissatisfied = rng.randint(issued // 2 + 1, issued - satisfied - 1)
        elif mood == "fair":
            satisfied = rng.randint(issued // 3, (issued - 1) // 2)
            dissatisfied = rng.randint(1, max(1, issued // 5))
        else:
            satisfied = rng.randint(issued * 6 // 10, issued - 1)
            dissatisfied = rng.randint(0, min(2, issued - satisfied))
        invalid = 1 if rng.random() < 0.12 and satisfied + dissatisfied < issued else 0
        return Ballot(issued, satisfied, issued - satisfied - dissatisfied - invalid, dissatisfied, invalid)

    def issue(
        self,
        draft: Draft,
        case: Case,
        street: str,
        *,
        again: tuple[Draft, Issue] | None = None,
        where: str = "",
        raised_by: str | None = None,
    ) -> None:
        position = len(draft.issues) + 1
        self.place_count += 1
        spot = again[1].place if again else place(street, case.trouble.kind, self.place_count)
        old_lead = case.trouble.lead
        lead = old_lead
        office = STREET_CODES[street]
        if case.trouble.kind in ("village", "lane", "hall") and self.place_count % 4 == 0 and case.measures:
            lead = office
        co = tuple(code for code in case.trouble.co if code != lead)
        if lead != old_lead:
            co = (old_lead, *co)
        elif self.place_count % 3 == 0 or (case.trouble.kind in ("village", "estate") and self.place_count % 2):
            co = (*co, office)
        outcome = case.outcome
        measures = self.speaker.measures_again() if again else case.measures
        if again:
            outcome = "time_limited"
        elif outcome == "time_limited" and any(m.unit == "m" and m.amount >= 5 for m in measures) and position % 2:
            outcome = "planned"
        commitments = (
            () if outcome == "further_study" and position == 1 else self.promises(draft, measures, lead, old_lead)
        )
        if where and commitments:
            commitments = _as_of(self.today, draft.night, where, commitments)
        deputy = raised_by or draft.deputies[(position - 1) % len(draft.deputies)]
        resident = None
        if position % 3 == 2 or outcome == "not_accepted":
            surname = SURNAMES[(self.place_count * 7) % len(SURNAMES)]
            resident = f"{surname}（{community(street, self.place_count)}）"
        alone = outcome == "not_accepted"

        statement = (
            self.speaker.statement_again(case, spot, again[0].number or 0)
            if again
            else self.speaker.statement(case, spot)
        )
        question = self.speaker.again_question.deal() if again else self.speaker.question(case)
        answer = (
            self.speaker.again_answer.deal() + self.speaker.promise(commitments, draft.night)
            if again
            else self.speaker.answer(case, commitments, draft.night)
        )
        account = DEPARTMENT_LOGINS.get(lead)
        exchanges = [
            Exchange(
                "question",
                question.replace("{p}", spot),
                speaker=None if alone else deputy,
                speaker_name="选民代表" if alone else None,
            ),
            Exchange("answer", answer.replace("{p}", spot), speaker=account, department=lead),
        ]
        further = None if again else self.speaker.further(case)
        if further:
            asker = draft.deputies[position % len(draft.deputies)]
            exchanges += [
                Exchange("follow_up", further[0].replace("{p}", spot), speaker=asker),
                Exchange("answer", further[1].replace("{p}", spot), speaker=account, department=lead),
            ]

        dissatisfied = not where and outcome == "time_limited" and self.place_count % 23 == 7
        mood = "bad" if dissatisfied else "fair" if self.place_count % 4 == 3 else "good"
        co_signers = (draft.deputies[(position + 2) % len(draft.deputies)],) if position % 3 == 1 and not alone else ()
        issue = Issue(
            position=position,
            category=case.trouble.category,
            street=street,
            place=f"{street}街道{spot}",
            statement=statement,
            exchanges=tuple(exchanges),
            outcome=outcome,
            raised_by=None if alone else deputy,
            co_signers=tuple(login for login in co_signers if login != deputy),
            resident=resident,
            topic=None if alone else f"{draft.key}-{position}",
            lead=lead if commitments or outcome in ("further_study", "escalate") else None,
            co=co if commitments or outcome in ("further_study", "escalate") else (),
            commitments=commitments,
            answer_by=commitments[0].due_on if outcome == "further_study" and commitments else None,
            ballot=None if alone else self.ballot(draft, mood),
            trouble=case.trouble.key,
        )
        plan = Plan(
            draft.key,
            draft.night,
            self.today,
            Random(f"{draft.key}/{position}"),
            position,
            lead,
            co,
            deputy,
            draft.organiser,
            commitments,
            retest=self.ballot(draft, "good") if draft.meeting and draft.meeting.day.month in EVALUATED else None,
        )
        self._fate(draft, plan, issue, case, where, dissatisfied)
        if issue.place.startswith(f"{street}街道{street}"):
            issue = replace(issue, place=spot)
        draft.issues.append(replace(issue, plan=tuple(plan.steps)))
        draft.plans.append(plan)

    def _fate(self, draft: Draft, plan: Plan, issue: Issue, case: Case, where: str, dissatisfied: bool) -> None:
        outcome = issue.outcome
        if outcome == "answered_on_site":
            fates.explain_on_site(plan, "当场解释清楚，代表和群众没有异议。")
        elif outcome == "resolved_on_site":
            fates.explain_on_site(plan, "当晚现场解决，照片已存，代表确认。")
        elif outcome == "not_accepted":
            fates.decline(plan, case.reason or "", case.referral or "")
        elif outcome == "convert_to_suggestion":
            fates.transfer(plan, case.trouble.title)
        elif outcome == "escalate":
            fates.escalate(plan, "市级有关部门")
        elif where:
            if where == "stalled":
                fates.stall(plan)
            else:
                fates.stop_at(plan, where)
        elif outcome == "further_study":
            fates.study(plan, next(self.study))
        elif dissatisfied:
            fates.follow(plan, meeting=draft.meeting, dissatisfied=True)
        else:
            age = (self.today - draft.night).days
            if outcome == "planned" and 150 < age < 420 and self.tracked < 5 and len(plan.commitments) > 1:
                self.tracked += 1
                fates.track(plan, draft.meeting, roll(self.today + timedelta(days=20 + 25 * self.tracked)))
            else:
                name, run = next(self.fate)
                run(plan, draft.meeting)
                if name in ("kept", "seen", "late") and case.trouble.category in ON_THE_GROUND:
                    self.settled.append((draft, issue, case))

    def fill(self, draft: Draft, count: int, wheres: tuple[str, ...] = ()) -> None:
        """The evening's issues, out of the stock; what was settled long ago may come up again."""
        number = draft.number or 0
        left = list(wheres)
        for nth in range(count):
            last = nth == count - 1
            if last and number % 7 == 5 and self.refusable and not wheres:
                case = self.refusable.pop(0)
                self.issue(draft, case, self._street(draft, case.trouble.streets))
                continue
            where = left.pop(0) if left else ""
            old = self._old(draft) if number >= 24 and nth == 1 and number % 3 == 0 and not where else None
            chosen = None if old else self.choose(draft, where)
            if chosen:
                raised_by = "deputy" if where in ("asked", "silent", "rework", "returned") else None
                self.issue(draft, *chosen, where=where, raised_by=raised_by)
                continue
            old = old or self._old(draft)
            if old:
                before, issue, case = old
                self.issue(draft, case, issue.street, again=(before, issue), where=where)

    def _old(self, draft: Draft) -> tuple[Draft, Issue, Case] | None:
        """A promise kept more than a year ago, and not heard of since."""
        used = {issue.trouble for issue in draft.issues}
        for entry in self.settled:
            before, _, case = entry
            if (draft.night - before.night).days > 365 and case.trouble.key not in used:
                self.settled.remove(entry)
                plain = replace_place(entry[1])
                return before, plain, case
        return None


def _can_stand(case: Case, where: str) -> bool:
    """Whether a case can have come that far within some weeks."""
    longest = 45 if where in DONE or where == "extension_asked" else 400
    days = [m.amount * (30 if m.unit == "m" else 1) for m in case.measures]
    return case.outcome == "time_limited" and max(days) <= longest and min(days) <= 60


def replace_place(issue: Issue) -> Issue:
    """The place without its street, as it is spoken."""
    return replace(issue, place=issue.place.removeprefix(f"{issue.street}街道"))


def _as_of(today: date, night: date, where: str, made: tuple[Commitment, ...]) -> tuple[Commitment, ...]:
    """Due dates that put an issue of the last weeks where it is to stand today."""
    if where in DONE:
        back = 34 if where == "silent" else 8
        past = max(night + timedelta(days=9), today - timedelta(days=back))
        return tuple(replace(c, due_on=past + timedelta(days=2 * nth), basis=None) for nth, c in enumerate(made))
    first = {
        "registered": today + timedelta(days=16),
        "assigned": today + timedelta(days=13),
        "returned": today + timedelta(days=18),
        "due_today": today,
        "due_soon": today + timedelta(days=3),
        "due_this_week": today + timedelta(days=6),
        "in_handling": today + timedelta(days=24),
        "overdue": max(today - timedelta(days=4), night + timedelta(days=3)),
        "extension_asked": today + timedelta(days=5),
        "reported": today + timedelta(days=1),
        "stalled": max(today - timedelta(days=20), night + timedelta(days=9)),
    }[where]
    if where == "extension_asked":
        return tuple(replace(c, due_on=first + timedelta(days=nth), basis=None) for nth, c in enumerate(made))
    earliest = min(range(len(made)), key=lambda n: made[n].due_on)
    later = roll(today + timedelta(days=32))
    return tuple(
        replace(c, due_on=first, basis=None)
        if nth == earliest
        else c
        if c.due_on > today + timedelta(days=12)
        else replace(c, due_on=later + timedelta(days=2 * nth), basis=None)
        for nth, c in enumerate(made)
    )


# The record


def participants(draft: Draft, rng: Random, *, over: bool) -> tuple[Participant, ...]:
    """Who was invited, in order of protocol, and how they came."""
    gw = {code: p.login for p in PEOPLE for code in p.stations}
    came = "signed_in" if over else "unknown"
    people = [Participant(draft.chair, "chair", "present", login=draft.chair, came=came)]
    if rng.random() < 0.4:
        people.append(Participant("leader", "standing_committee_leader", "present", login="leader", came=came))
    if draft.station in gw:
        login = gw[draft.station]
        people.append(Participant(login, "street_committee", "present", login=login, came=came))
    for nth, login in enumerate(draft.deputies):
        state, note = came, None
        if over and nth == len(draft.deputies) - 1 and rng.random() < 0.5:
            state, note = (
                ("on_leave", rng.choice(("公务", "出差", "因病", "生产任务")))
                if rng.random() < 0.8
                else (
                    "absent",
                    None,
                )
            )
        people.append(Participant(login, "deputy", "present", login=login, came=state, note=note))
    people.append(Participant(draft.mayor, "government_leader", "in_attendance", login=draft.mayor, came=came))
    for code in departments(draft):
        login = DEPARTMENT_LOGINS[code]
        capacity = "street_office" if DEPARTMENTS_BY_CODE[code].kind == "street_office" else "department_head"
        head = Participant(login, capacity, "in_attendance", login=login, department=code, came=came)
        if over and rng.random() < 0.12:
            people.append(replace(head, stand_in=DEPARTMENTS_BY_CODE[code].contact, note="区里会议冲突"))
        else:
            people.append(head)
    people.append(
        Participant(
            "residents", "resident", "in_attendance", title="选民代表", seats=8 + draft.night.day % 5, came=came
        )
    )
    people.append(Participant("organiser", "recorder", "in_attendance", login="organiser", came=came))
    if rng.random() < 0.3:
        people.append(
            Participant("media", "media", "public_gallery", unit="区融媒体中心", title="记者", seats=2, came=came)
        )
    return tuple(people)


def departments(draft: Draft) -> tuple[str, ...]:
    """Everyone with an account who has to answer that evening, bureaus first, then the street."""
    codes = [STREET_CODES[draft.street]]
    for issue in draft.issues:
        answering = [e.department for e in issue.exchanges if e.department]
        codes += [*answering, *issue.co]
    order = list(DEPARTMENT_LOGINS)
    return tuple(sorted({c for c in codes if c in DEPARTMENT_LOGINS}, key=order.index))


def topics(draft: Draft, rng: Random) -> tuple[Topic, ...]:
    from_stock = {case.trouble.key: case.trouble for case in cases()}
    found = []
    for issue in draft.issues:
        if issue.topic and issue.trouble:
            trouble = from_stock[issue.trouble]
            place_name = issue.place.removeprefix(f"{issue.street}街道")
            found.append(
                Topic(
                    issue.topic,
                    f"{trouble.title}（{place_name}）",
                    rng.choice(SOURCES),
                    add_workdays(draft.night, -12) - timedelta(days=rng.randint(1, 14)),
                    tuple(dict.fromkeys(c for c in (issue.lead or trouble.lead, *issue.co))),
                    issue.street,
                )
            )
    return tuple(found)


CLOSING = (
    "会议指出，民生无小事，枝叶总关情。各承办单位要把今晚的承诺当作向选民作出的保证，逐项建账、逐项销号。",
    "会议认为，代表反映的问题来自一线，说得具体、提得实在；部门的答复有数据、有时限。能快办的要快办，需要时间的要把理由讲清楚。",
    "会议强调，问题有的多年反复，关键在管护没有跟上。既要抓当前整改，更要抓长效机制，防止销号之后再反弹。",
    "会议明确，本期问题由区人大常委会代表工委汇总交办，街道人大工委跟踪，未办结的列入“回头看”，办理结果向代表和选民公开。",
    "会议要求，牵头单位不等不靠，会办单位主动配合，涉及两个以上部门的由牵头单位召集，不得让代表和群众来回跑。",
)


def last_time(before: Draft | None, night: date) -> str | None:
    """What became of the hearing before, as far as it had come by that night."""
    if before is None:
        return None
    assigned = struck = answered = 0
    for issue in before.issues:
        kinds = {s.what for s in issue.plan if before.night + timedelta(days=s.days_after) < night}
        assigned += "assigned" in kinds
        struck += "struck_off" in kinds
        answered += "explained" in kinds
    return (
        f"第{before.number}期夜询会共提出问题{len(before.issues)}件，交办{assigned}件，已销号{struck}件，"
        f"解释答复办结{answered}件，其余按承诺时限办理，情况表已发至代表座席。"
    )


def record(draft: Draft, before: Draft | None, status: str, today: date) -> Hearing:
    rng = Random(f"record/{draft.key}")
    night = draft.night
    over = status in ("concluded", "filed")
    took = 96 + rng.randint(0, 34)
    hearing = Hearing(
        key=draft.key,
        kind="night_hearing",
        serial_no=draft.number,
        station=draft.station,
        title="北仑区人大代表民生夜询会",
        theme=draft.theme,
        starts_at=on(night, 19, 0),
        ends_at=on(night, 21, 0),
        opened_at=on(night, 19, 0) if over else None,
        concluded_at=on(night, 19, 0) + timedelta(minutes=took) if over else None,
        status=status,
        chair=draft.chair,
        leaders=(draft.chair, draft.mayor),
        recorder="organiser",
        participants=participants(draft, rng, over=over),
        departments=departments(draft),
        deputies=draft.deputies,
        topics=topics(draft, rng),
        issues=tuple(draft.issues),
        last_time=last_time(before, night),
        minutes="".join(rng.sample(CLOSING, 2)) if over else None,
    )
    return replace(hearing, life=life(hearing, draft, today, rng))


def came_events(people: Iterable[Participant], opened: datetime, organiser: str) -> list[Event]:
    """The attendance list, filled in during the half hour before."""
    events = []
    for nth, person in enumerate(p for p in people if p.came != "unknown"):
        details: dict[str, object] = {"participant": person.key, "came": person.came, "by": organiser}
        if person.stand_in:
            details["stand_in"] = person.stand_in
        if person.came == "on_leave":
            details["reason"] = person.note
        when = opened - timedelta(minutes=30) + timedelta(seconds=45 * nth)
        events.append(Event(when, "participant_came", details))
    return events


def night_events(hearing: Hearing, organiser: str) -> list[Event]:
    """Who came, and what was said, decided, promised and counted, spread over the evening."""
    opened = hearing.opened_at
    if opened is None:
        return []
    by = {"by": organiser}
    events = came_events(hearing.participants, opened, organiser)
    events.append(Event(opened, "hearing_opened", by))
    length = (hearing.concluded_at or opened + timedelta(minutes=100)) - opened
    slot = (length - timedelta(minutes=25)) / max(1, len(hearing.issues))
    for issue in hearing.issues:
        start = opened + timedelta(minutes=8) + slot * (issue.position - 1)
        this = {"issue": issue.position}
        acts: list[tuple[str, dict[str, object]]] = [("issue_registered", {})]
        acts += [("exchange_added", {"exchange": n + 1}) for n in range(len(issue.exchanges))]
        if issue.outcome:
            acts.append(("outcome_decided", {"outcome": issue.outcome, "answer_by": issue.answer_by}))
        acts += [("commitment_made", {"commitment": n + 1}) for n in range(len(issue.commitments))]
        events += [
            Event((start + slot * nth / (len(acts) + 1)).replace(microsecond=0), kind, {**this, **details, **by})
            for nth, (kind, details) in enumerate(acts)
        ]
        if issue.ballot:
            counted = opened + length - timedelta(minutes=16) + timedelta(minutes=issue.position)
            events.append(Event(counted, "ballot_counted", {**this, "ballot": issue.ballot, **by}))
    return events


def life(hearing: Hearing, draft: Draft, today: date, rng: Random) -> tuple[Event, ...]:
    """The hearing's own milestones; who came and what was said is in its record."""
    night = draft.night
    by = {"by": draft.organiser}
    drafted = add_workdays(night, -12)
    announced = min(add_workdays(night, -5), night - timedelta(days=7))
    events = [
        Event(on(topic.collected_on, 15, 30 + nth), "topic_collected", {"topic": topic.key, **by})
        for nth, topic in enumerate(hearing.topics)
    ]
    events.append(Event(on(drafted, 9), "hearing_drafted", by))
    events += [
        Event(on(add_workdays(drafted, 2), 10, nth), "topic_selected", {"topic": topic.key, **by})
        for nth, topic in enumerate(hearing.topics)
    ]
    events.append(Event(on(announced, 10), "hearing_announced", by))
    events += [
        Event(
            on(add_workdays(night, -2), 9 + nth, 15),
            "attendee_named",
            {
                "department": code,
                "person": DEPARTMENT_LOGINS[code],
                "text": rng.choice(
                    ("按时参会，材料已备。", "主要负责人参会，现场情况已核。", "参会，附情况说明一页。")
                ),
                "by": DEPARTMENT_LOGINS[code],
            },
        )
        for nth, code in enumerate(hearing.departments[:3])
    ]
    if hearing.opened_at and hearing.concluded_at:
        events += night_events(hearing, draft.organiser)
        events.append(Event(hearing.concluded_at, "hearing_concluded", by))
        papers = add_workdays(night, 3)
        events.append(Event(on(papers, 15), "minutes_drafted", {"text": hearing.minutes, **by}))
        if hearing.status == "filed":
            chair = PEOPLE_BY_LOGIN[draft.chair].name
            signed = add_workdays(night, 6)
            events += [
                Event(on(add_workdays(night, 5), 10), "minutes_reviewed", {"by": "organiser2"}),
                Event(on(signed, 16), "minutes_published", {"issued_by": chair, "issued_on": signed, **by}),
                Event(on(add_workdays(night, 14), 16), "hearing_filed", by),
            ]
    return tuple(sorted((e for e in events if e.at < on(today, 0)), key=lambda e: e.at))


# The look-backs between them


def meetings_for(drafts: list[Draft], today: date) -> None:
    """One look-back for three hearings, about six weeks after the last of them."""
    for nth in range(0, len(drafts), 3):
        group = drafts[nth : nth + 3]
        day = group[-1].night + timedelta(days=40 + nth % 4)
        while day.weekday() not in (1, 3) or not is_workday(day):
            day += timedelta(days=1)
        if day < today:
            for draft in group:
                draft.meeting = Meeting(f"look-back-{day.isoformat()}", day)


def look_backs(drafts: list[Draft], today: date) -> list[Hearing]:
    found: list[Hearing] = []
    for day_key in dict.fromkeys(draft.meeting for draft in drafts if draft.meeting):
        pair = [draft for draft in drafts if draft.meeting == day_key]
        carried = [(d, i) for d in pair for i, p in zip(d.issues, d.plans, strict=True) if day_key.key in p.carried_to]
        if carried:
            found.append(_look_back(day_key.key, day_key.day, pair, carried, today))
    return found


def next_look_back(drafts: list[Draft], today: date) -> Hearing:
    """Announced, with what is still open from the last hearings on its agenda."""
    day = today + timedelta(days=10)
    while day.weekday() not in (1, 3) or not is_workday(day):
        day += timedelta(days=1)
    recent = drafts[-5:]
    carried = [
        (draft, issue)
        for draft in recent
        for issue in draft.issues
        if issue.commitments
        and any(step.what == "accepted" for step in issue.plan)
        and not any(step.what in ("struck_off", "explained") for step in issue.plan)
    ]
    return _look_back(f"look-back-{day.isoformat()}", day, recent, carried[:8], today)


def _look_back(key: str, day: date, pair: list[Draft], carried: list[tuple[Draft, Issue]], today: date) -> Hearing:
    over = day < today
    came = "signed_in" if over else "unknown"
    first = pair[-1]
    evaluation = over and day.month in EVALUATED
    numbers = "、".join(f"{n}" for n in dict.fromkeys(draft.number for draft, _ in carried))
    chair = first.chair
    logins = tuple(dict.fromkeys(i.raised_by for _, i in carried if i.raised_by))
    leads = tuple(dict.fromkeys(i.lead for _, i in carried if i.lead and i.lead in DEPARTMENT_LOGINS))
    gw = {code: p.login for p in PEOPLE for code in p.stations}
    people = [Participant(chair, "chair", "present", login=chair, came=came)]
    if first.station in gw:
        people.append(Participant(gw[first.station], "street_committee", "present", login=gw[first.station], came=came))
    people += [Participant(login, "deputy", "present", login=login, came=came) for login in logins]
    people += [
        Participant(
            DEPARTMENT_LOGINS[code],
            "street_office" if DEPARTMENTS_BY_CODE[code].kind == "street_office" else "department_head",
            "in_attendance",
            login=DEPARTMENT_LOGINS[code],
            department=code,
            came=came,
        )
        for code in leads
    ]
    people.append(Participant("residents", "resident", "in_attendance", title="选民代表", seats=5, came=came))
    people.append(Participant("organiser", "recorder", "in_attendance", login="organiser", came=came))
    starts = on(day, 9)
    opened = starts - timedelta(minutes=2)
    by = {"by": "organiser"}
    announced = add_workdays(min(day, today), -3) if not over else add_workdays(day, -6)
    events = [
        Event(on(add_workdays(announced, -3), 9), "hearing_drafted", by),
        Event(on(announced, 9), "hearing_announced", by),
    ]
    filed = over and add_workdays(day, 6) < today
    if over:
        events += [
            *came_events(people, opened, "organiser"),
            Event(opened, "hearing_opened", by),
            Event(starts + timedelta(minutes=130), "hearing_concluded", by),
            Event(on(add_workdays(day, 2), 10), "minutes_drafted", {"text": LOOK_BACK_MINUTES, **by}),
            Event(on(add_workdays(day, 3), 10), "minutes_reviewed", {"by": "organiser2"}),
        ]
    if filed:
        signed = add_workdays(day, 4)
        events += [
            Event(
                on(signed, 15),
                "minutes_published",
                {"issued_by": PEOPLE_BY_LOGIN[chair].name, "issued_on": signed, **by},
            ),
            Event(on(add_workdays(day, 5), 15), "hearing_filed", by),
        ]
    title = "办理工作绩效评估座谈会" if evaluation else "“回头看”"
    return Hearing(
        key=key,
        kind="evaluation_meeting" if evaluation else "look_back",
        serial_no=None,
        station="BL" if evaluation else first.station,
        title=f"第{numbers}期夜询会交办问题{title}",
        theme="听汇报、评实效、再测评" if evaluation else "看现场、听意见、对承诺",
        starts_at=starts,
        ends_at=starts + timedelta(minutes=150),
        opened_at=opened if over else None,
        concluded_at=starts + timedelta(minutes=130) if over else None,
        status="filed" if filed else "concluded" if over else "announced",
        chair=chair,
        leaders=(chair,),
        recorder="organiser",
        participants=tuple(people),
        departments=leads,
        deputies=logins,
        carried=tuple((draft.key, issue.position) for draft, issue in carried),
        life=tuple(sorted((e for e in events if e.at < on(today, 0)), key=lambda e: e.at)),
        minutes=LOOK_BACK_MINUTES if over else None,
    )


LOOK_BACK_MINUTES = "与会人员先看现场，再逐项对照承诺，听取提出代表和选民意见，当场作出结论，未完成的明确新的时间。"


# Those that did not take place, and those to come


USUAL_TIMES = (time(19), time(14, 30), time(9, 30))
"""When hearings and meetings begin."""


def begin_of(moment: datetime) -> datetime:
    """When a session that is under way at `moment` has begun: on the half hour, at most two hours ago, on that day,

    and of these the nearest to a usual time.
    """
    day = moment.date()
    halves = [on(day).replace(hour=n // 2, minute=30 * (n % 2)) for n in range(48)]
    fitting = [half for half in halves if timedelta(minutes=10) <= moment - half <= timedelta(hours=2)]
    usual = [on(day, at.hour, at.minute) for at in USUAL_TIMES]
    return min(fitting, key=lambda half: min(abs(half - at) for at in usual), default=halves[0])


def special(years: Years, tonight: Draft, before: Draft, moment: datetime) -> list[Hearing]:
    """Cancelled, discarded; in session, announced, postponed and in draft, as of today."""
    today = years.today
    number = tonight.number or 0
    found: list[Hearing] = []

    def bare(key: str, night: date, status: str, station: str, theme: str, *events: tuple[date, str, str]) -> Hearing:
        draft = years.draft(len(found) + 3, night, None, station)
        draft = replace(draft, theme=theme, key=key)
        made = record(draft, None, status, today)
        lived = tuple(
            Event(on(day, 10), kind, {"by": draft.organiser, **({"reason": reason} if reason else {})})
            for day, kind, reason in events
        )
        return replace(made, life=lived, last_time=None)

    cancelled = date(2022, 12, 22)
    found.append(
        bare(
            "night-cancelled-2022",
            cancelled,
            "cancelled",
            "XG",
            "安全过冬",
            (date(2022, 12, 7), "hearing_drafted", ""),
            (date(2022, 12, 14), "hearing_announced", ""),
            (
                date(2022, 12, 20),
                "hearing_cancelled",
                "近期呼吸道疾病高发，为保护代表和居民健康，本次不再举行，议题转入议题库。",
            ),
        )
    )
    if today > date(2023, 9, 1):
        found.append(
            bare(
                "night-discarded-2023",
                date(2023, 8, 17),
                "discarded",
                "MS",
                "暑期加开一场",
                (date(2023, 7, 24), "hearing_drafted", ""),
                (date(2023, 7, 28), "hearing_discarded", "正值暑期，议题不足，并入九月的一期。"),
            )
        )

    # In session today
    issues = [replace(issue, plan=(), ballot=None) for issue in tonight.issues]
    unfinished = issues[-1]
    issues[-1] = replace(
        unfinished, outcome="", commitments=(), lead=None, co=(), answer_by=None, exchanges=unfinished.exchanges[:1]
    )
    tonight.issues[:] = issues
    extra = Topic(
        f"{tonight.key}-extra",
        "小区门口夜间大货车停放",
        "居民议事会",
        add_workdays(today, -13),
        ("police", "enforcement"),
        "新碶",
    )
    planned = record(tonight, before, "in_session", today)
    people = tuple(replace(p, came="signed_in") if nth % 5 != 4 else p for nth, p in enumerate(planned.participants))
    # Already open whenever the demo is loaded, and what has been said so far has been said by then.
    begin = begin_of(moment)
    opened = replace(
        planned,
        topics=(*planned.topics, extra),
        participants=people,
        starts_at=begin,
        ends_at=min(begin + timedelta(hours=2), on(today, 23, 59)),
        opened_at=begin,
        status="in_session",
    )
    acts = night_events(opened, tonight.organiser)
    share = min(1.0, (moment - begin) / (max(event.at for event in acts) - begin))
    acts = [
        replace(event, at=(begin + (event.at - begin) * share).replace(microsecond=0)) if event.at > begin else event
        for event in acts
    ]
    by = {"by": tonight.organiser}
    taken_in = (
        Event(on(extra.collected_on, 16), "topic_collected", {"topic": extra.key, **by}),
        Event(on(add_workdays(today, -9), 10, 30), "topic_selected", {"topic": extra.key, **by}),
    )
    lived = sorted((*opened.life, *taken_in), key=lambda e: e.at)
    found.append(replace(opened, life=(*lived, *acts)))

    # About eight days ahead
    coming = years.draft(15, evening(today + timedelta(days=7)), number + 1, "XP")
    ahead = record(coming, None, "announced", today)
    known = tuple(
        Topic(f"{coming.key}-{nth}", title, source, add_workdays(today, -9) - timedelta(days=nth), codes, "霞浦")
        for nth, (title, source, codes) in enumerate(
            (
                ("铁路桥洞积水与照明", "代表走访", ("water", "transport")),
                ("园区末班公交与地铁衔接", "代表码留言", ("transport", "bus")),
                ("河西片菜市场改造过渡期买菜难", "选民接待日", ("market", "xiapu")),
                ("社区卫生服务中心儿科夜诊", "居民议事会", ("health",)),
                ("老旧小区电动车充电棚布点", "12345热线", ("fire", "housing")),
            ),
            start=1,
        )
    )
    codes = tuple(dict.fromkeys(c for topic in known for c in topic.departments if c in DEPARTMENT_LOGINS))
    invited = tuple(
        Participant(DEPARTMENT_LOGINS[c], "department_head", "in_attendance", login=DEPARTMENT_LOGINS[c], department=c)
        for c in codes
        if c != "xiapu"
    )
    announced = add_workdays(today, -3)
    found.append(
        replace(
            ahead,
            topics=known,
            departments=codes,
            participants=(*ahead.participants, *invited),
            life=(
                *(
                    Event(on(topic.collected_on, 15, 30), "topic_collected", {"topic": topic.key, "by": "organiser"})
                    for topic in known
                ),
                Event(on(add_workdays(announced, -4), 9), "hearing_drafted", {"by": "organiser"}),
                *(
                    Event(on(add_workdays(announced, -1), 10, n), "topic_selected", {"topic": t.key, "by": "organiser"})
                    for n, t in enumerate(known)
                ),
                Event(on(announced, 10), "hearing_announced", {"by": "organiser"}),
            ),
        )
    )

    # Put off without a new day, and one still being thought about
    put_off = years.draft(18, evening(today + timedelta(days=16)), number + 2, "GJ")
    waiting = record(put_off, None, "postponed", today)
    found.append(
        replace(
            waiting,
            theme="古城保护与居民生活",
            life=(
                Event(on(add_workdays(today, -6), 9), "hearing_drafted", {"by": "organiser"}),
                Event(on(add_workdays(today, -3), 15), "hearing_announced", {"by": "organiser"}),
                Event(
                    on(add_workdays(today, -1), 11),
                    "hearing_postponed",
                    {"reason": "古城现场勘察报告尚未完成，待报告送达后另行通知时间。", "by": "organiser"},
                ),
            ),
        )
    )
    found.append(
        bare(
            "night-draft",
            evening(today + timedelta(days=40)),
            "draft",
            "CQ",
            "花木之乡的新期盼",
            (add_workdays(today, -2), "hearing_drafted", ""),
        )
    )
    return found


def _with_changes(hearing: Hearing) -> Hearing:
    """Two hearings of the past were moved once they had been announced, and came back to their day."""
    night = hearing.starts_at.date()
    announced = next(e.at.date() for e in hearing.life if e.kind == "hearing_announced")
    soon, later = on(add_workdays(announced, 1), 16), on(add_workdays(night, -2), 16)
    back = {"starts_at": hearing.starts_at, "ends_at": hearing.ends_at, "by": "organiser"}
    if (night.year, night.month) == (2024, 9):
        week = timedelta(days=7)
        away = {"starts_at": hearing.starts_at + week, "ends_at": hearing.ends_at + week, "by": "organiser"}
        changed = (
            Event(soon, "hearing_rescheduled", {**away, "reason": "台风预警，全力防汛，改期一周举行。"}),
            Event(later, "hearing_rescheduled", {**back, "reason": "台风转向，预警解除，恢复原定时间。"}),
        )
    elif (night.year, night.month) == (2023, 7):
        changed = (
            Event(soon, "hearing_postponed", {"reason": "联络站空调检修，时间另行通知。", "by": "organiser"}),
            Event(later, "hearing_rescheduled", {**back, "reason": "检修提前完成，按原定时间举行。"}),
        )
    else:
        return hearing
    return replace(hearing, life=tuple(sorted((*hearing.life, *changed), key=lambda e: e.at)))


RECENT: dict[int, tuple[int, str | None, tuple[str, ...]]] = {
    # hearings back from the last one: how many issues, at which station, and where they stand today
    0: (7, "DQ", ("registered", "assigned", "returned", "due_soon", "in_handling", "due_this_week")),
    1: (8, "XQ", ("due_soon", "overdue", "asked", "reported", "extension_asked", "due_today", "rework")),
    2: (6, None, ("overdue", "asked", "silent", "replied", "stalled")),
    3: (5, None, ("silent", "stalled", "in_handling")),
}


def consultation(today: date) -> Hearing:
    """One group consultation: no issues of its own, a department meets the deputies of several."""
    day = date(2021, 11, 23)
    draft = Draft(
        None,
        day,
        "BL",
        "老旧小区加装电梯若干问题",
        (),
        "leader3",
        "mayor3",
        (*DEPUTIES_OF["大碶"][:4], "deputy"),
        "consultation-2021-11",
    )
    made = record(draft, None, "filed", today)
    starts = on(day, 14)
    codes = ("housing", "planning", "xinqi", "daqi")
    heads = tuple(
        Participant(
            DEPARTMENT_LOGINS[c],
            "department_head",
            "in_attendance",
            login=DEPARTMENT_LOGINS[c],
            department=c,
            came="signed_in",
        )
        for c in codes
        if not any(p.login == DEPARTMENT_LOGINS[c] for p in made.participants)
    )
    evening_shift = made.starts_at - starts
    shifted = tuple(
        replace(e, at=e.at - evening_shift)
        if e.kind in ("participant_came", "hearing_opened", "hearing_concluded")
        else e
        for e in made.life
    )
    return replace(
        made,
        kind="group_consultation",
        title="加装电梯办理事项集体面商会",
        starts_at=starts,
        ends_at=starts + timedelta(minutes=150),
        opened_at=starts,
        concluded_at=(made.concluded_at or made.ends_at) - evening_shift,
        departments=codes,
        participants=(*made.participants, *heads),
        life=shifted,
        minutes="承办单位与提出代表面对面商量加装电梯的采光补偿、管线迁移和资金分担，逐条形成一致意见，办理中不再另行征询。",
    )


def OTHER_HEARINGS(today: date, moment: datetime | None = None) -> list[Hearing]:
    """All hearings and look-backs but the example's, in order of date; one of them is in session at `moment`."""
    years = Years(today)
    latest = latest_night(today)
    nights = [*FIRST_NIGHTS, *regular_nights(latest - timedelta(days=19)), latest]
    drafts: list[Draft] = []
    for position, night in enumerate(nights):
        number = position + 1 if position < 8 else position + 2
        back = len(nights) - 1 - position
        station = RECENT[back][1] if back in RECENT else None
        drafts.append(years.draft(position, night, number, station))
    meetings_for(drafts, today)
    tonight = years.draft(12, today, (drafts[-1].number or 0) + 1, "XQ")
    years.fill(tonight, 3)
    # The last ones have the pick of the stock: they are what people look at first.
    for back, (count, _, wheres) in RECENT.items():
        draft = drafts[-1 - back]
        if {*DONE, "returned"} & set(wheres):
            draft.deputies = tuple(dict.fromkeys((*draft.deputies[:-1], "deputy")))
        if back == 1:
            draft.theme, draft.categories = THEMES[0]
        years.fill(draft, count, wheres)
    for position, draft in enumerate(drafts[: -len(RECENT)]):
        years.fill(draft, ISSUE_ROUND[position % len(ISSUE_ROUND)])
    found: list[Hearing] = []
    before: Draft | None = None
    for draft in drafts:
        if draft.number == 10:
            before = None
        status = "concluded" if draft is drafts[-1] else "filed"
        made = record(draft, before, status, today)
        if draft.number == 10:
            made = replace(
                made,
                last_time=f"第{NINTH.serial_no}期夜询会提出问题7件，受理6件已全部交办，另1件引导至法定渠道，宣讲、清理等先期措施正在落实。",
            )
        found.append(_with_changes(made))
        before = draft
    found += look_backs(drafts, today)
    found.append(next_look_back(drafts, today))
    found.append(consultation(today))
    found += special(years, tonight, drafts[-1], moment or on(today, 20))
    # What a year of long holidays brings out of order still happens in order.
    found = [replace(h, life=tuple(sorted(h.life, key=lambda event: event.at))) for h in found]
    return sorted(found, key=lambda hearing: hearing.starts_at)
