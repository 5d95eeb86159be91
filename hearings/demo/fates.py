"""What became of an issue: from assignment to striking off, as a list of dated steps.

A fate is a name and a handful of switches for `follow`. Nothing that would happen on `today` or later is
written down, so a recent issue simply stops where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from hearings.demo.days import add_months, add_workdays, is_workday, roll, roll_back
from hearings.demo.people import DEPARTMENT_LOGINS, DEPARTMENTS_BY_CODE
from hearings.demo.phrases import pick
from hearings.demo.shapes import Ballot, Commitment, Finding, Step

CONFIRMATION_LIMIT = 15
"""working days a deputy has to confirm"""

EVIDENCE = (
    ("现场照片",),
    ("办理前照片", "办理后照片"),
    ("情况说明",),
    ("现场照片", "验收单"),
    ("公示照片",),
)


@dataclass
class Plan:
    """Writes steps for one issue; days never run backwards and never reach today."""

    hearing: str
    night: date
    today: date
    rng: Random
    issue: int
    lead: str
    co: tuple[str, ...]
    deputy: str
    organiser: str
    commitments: tuple[Commitment, ...] = ()
    steps: list[Step] = field(default_factory=list)
    last: date = date.min
    round: int = 1
    retest: Ballot | None = None
    """counted again if an evaluation meeting takes the issue up"""
    carried_to: list[str] = field(default_factory=list)
    """keys of the look-backs that took this issue up"""

    def add(self, day: date, what: str, *, by: str | None = None, exact: bool = False, **payload: Any) -> date:
        """One step on that working day, or on the day of the step before it if that was later."""
        day = max(day, self.last, self.night + timedelta(days=1))
        day = day if exact else roll(day)
        self.last = day
        if day < self.today:
            payload = {"issue": self.issue, **payload, "by": by or self.organiser}
            self.steps.append(Step((day - self.night).days, what, payload))
        return day

    @property
    def account(self) -> str:
        """Who writes for the lead department: its own account, or the organiser's for those without one."""
        return DEPARTMENT_LOGINS.get(self.lead, self.organiser)

    def say(self, head: str, **words: object) -> str:
        return pick(self.rng, head, **words)

    # The single acts

    def assign(self, day: date, *, due_on: date | None = None, basis: str = "3 months", to: str | None = None) -> date:
        return self.add(
            day,
            "assigned",
            department=to or self.lead,
            co=() if to else self.co,
            due_on=due_on or add_months(roll(day), 3),
            basis=basis,
            round=self.round,
        )

    def accept(self, day: date) -> date:
        """The lead signs; those who help and have an account do so the same day."""
        accepted = self.add(day, "accepted", by=self.account, department=self.lead)
        for code in self.co:
            if code in DEPARTMENT_LOGINS:
                self.add(accepted, "accepted", by=DEPARTMENT_LOGINS[code], department=code)
        return accepted

    def progress(self, day: date, number: int) -> date:
        measure = self.commitments[number - 1].measure
        text = self.say("progress", m=measure)
        return self.add(day, "progress", by=self.account, department=self.lead, commitment=number, text=text)

    def report(self, day: date, number: int, measure: str, *, late: bool = False) -> date:
        return self.add(
            day,
            "done_reported",
            by=self.account,
            commitment=number,
            text=self.say("late" if late else "done", m=measure),
            evidence=self.rng.choice(EVIDENCE) if self.rng.random() < 0.35 else (),
        )

    def verify(self, day: date, number: int) -> date:
        return self.add(day, "done_verified", commitment=number, text=self.say("verify"))

    def reply(self, day: date, result_class: str, text: str | None = None) -> date:
        department = DEPARTMENTS_BY_CODE[self.lead]
        return self.add(
            day,
            "replied",
            by=self.account,
            department=self.lead,
            round=self.round,
            result_class=result_class,
            text=text or self.say(f"reply{result_class}"),
            signed_by=department.head,
            contact=department.contact,
        )

    def ask(self, day: date) -> date:
        return self.add(day, "confirmation_asked", deputy=self.deputy)

    def confirm(self, day: date, head: str = "confirm") -> date:
        return self.add(day, "confirmed", by=self.deputy, deputy=self.deputy, text=self.say(head), exact=True)

    def strike_off(self, day: date, basis: str = "desk_check") -> date:
        text = {
            "desk_check": "材料核验无误，代表已确认，予以销号。",
            "finding": "回头看认定承诺完成，代表确认，予以销号。",
        }
        return self.add(day, "struck_off", basis=basis, text=text[basis])

    def find(
        self,
        meeting: Meeting,
        verdict: str,
        *,
        commitment: int | None = None,
        new_due_on: date | None = None,
    ) -> date:
        mood = {"struck_off": "good", "keep_tracking": "wait", "handle_again": "bad", "escalate": "bad"}[verdict]
        state = {"good": "found_done", "wait": "found_open", "bad": "found_bad"}[mood]
        finding = Finding(
            meeting.key,
            self.say(state),
            self.say(f"dep_{mood}"),
            self.say(f"res_{mood}"),
            verdict,
            commitment=commitment,
            new_due_on=new_due_on,
            evidence=("现场照片",) if self.rng.random() < 0.3 else (),
        )
        if meeting.day < self.today:
            self.carried_to.append(meeting.key)
        return self.add(meeting.day, "finding_recorded", exact=True, finding=finding)

    def later(self, day: date, low: int, high: int) -> date:
        """A working day some working days later."""
        return add_workdays(day, self.rng.randint(low, high))


@dataclass(frozen=True)
class Meeting:
    """The look-back at which an issue is taken up, if it comes to one."""

    key: str
    day: date


def start(plan: Plan, *, misassigned_to: str | None = None, dissatisfied: bool = False) -> date:
    """Assignment on the second working day, acceptance within the days after it."""
    day = add_workdays(plan.night, 2)
    if dissatisfied:
        plan.round = 2
        due_on = add_months(day, 1)
        plan.add(
            day,
            "rework_ordered",
            round=2,
            due_on=due_on,
            reason="当晚测评不满意，重新办理，期限一个月。",
        )
        plan.assign(day, due_on=due_on, basis="1 month")
    elif misassigned_to:
        plan.assign(day, to=misassigned_to)
        back = plan.add(
            plan.later(day, 1, 3),
            "returned",
            by=DEPARTMENT_LOGINS[misassigned_to],
            department=misassigned_to,
            reason=plan.say("returned"),
        )
        day = plan.assign(plan.later(back, 1, 2))
    else:
        plan.assign(day)
    return plan.accept(plan.later(plan.last, 1, 3))


def follow(
    plan: Plan,
    *,
    meeting: Meeting | None = None,
    late: int = 0,
    extension: str = "",
    misassigned_to: str | None = None,
    rejected: bool = False,
    refused: bool = False,
    again: bool = False,
    released: bool = False,
    waived: bool = False,
    dissatisfied: bool = False,
    escalated: bool = False,
    reopened: int = 0,
) -> None:
    """An issue whose promises are kept in the end, on the way the switches say."""
    accepted = start(plan, misassigned_to=misassigned_to, dissatisfied=dissatisfied)
    first_reply_by = add_months(accepted, 3) - timedelta(days=6)
    ordered = sorted(range(1, len(plan.commitments) + 1), key=lambda n: plan.commitments[n - 1].due_on)
    met = False
    replied_b = False
    ready = accepted

    def look_back_before(day: date, open_number: int | None) -> None:
        nonlocal met
        if meeting and not met and accepted < meeting.day < day:
            met = True
            if plan.last <= meeting.day:
                plan.find(meeting, "keep_tracking", commitment=open_number)

    for nth, number in enumerate(ordered):
        promise = plan.commitments[number - 1]
        asked = promise.due_on
        final = nth == len(ordered) - 1
        due_on = promise.due_on
        if released and final and nth:
            day = plan.later(ready, 3, 8)
            plan.add(day, "commitment_released", commitment=number, reason=plan.say("released"))
            ready = max(ready, plan.last)
            continue
        done = max(add_workdays(due_on, -plan.rng.randint(0, 6)), ready)
        if final and late:
            done = due_on + timedelta(days=late)
        if final and extension and (ready > due_on or not is_workday(due_on)):
            extension, late = "", 8  # the way there took too long to ask in time
        if final and extension:
            asked = min(max(add_workdays(due_on, -plan.rng.randint(4, 8)), ready), due_on)
            done = due_on + timedelta(days=plan.rng.randint(25, 40))
            if extension == "refused":
                done = due_on + timedelta(days=plan.rng.randint(4, 9))
            if extension == "withdrawn":
                done = max(asked, ready)
        if not final or not (late or extension):
            halfway = ready + (done - ready) / 2
            if (done - ready).days > 30:
                look_back_before(halfway, number)
                plan.progress(halfway, number)
        owes_reply = done > first_reply_by and not replied_b and not dissatisfied
        ask_first = bool(final and extension) and asked < first_reply_by
        if ask_first:
            look_back_before(asked, number)
            _extend(plan, number, asked, extension)
        if owes_reply:
            replied_b = True
            look_back_before(first_reply_by, number)
            plan.reply(max(first_reply_by, plan.last), "B")
        if final and extension and not ask_first:
            look_back_before(asked, number)
            _extend(plan, number, asked, extension)
        if final and late:
            look_back_before(due_on, number)
            plan.add(
                due_on + timedelta(days=1),
                "reminded",
                commitment=number,
                department=plan.lead,
                text=plan.say("remind", m=promise.measure),
            )
            if late > 20:
                plan.add(
                    due_on + timedelta(days=10),
                    "supervised",
                    commitment=number,
                    department=plan.lead,
                    text=plan.say("supervise", m=promise.measure),
                    new_due_on=roll(due_on + timedelta(days=late)),
                )
        look_back_before(done, number)
        plan.report(done, number, promise.measure, late=bool(final and (late or extension == "refused")))
        if final and rejected:
            plan.add(plan.later(plan.last, 1, 3), "done_rejected", commitment=number, reason=plan.say("reject"))
            plan.report(plan.later(plan.last, 6, 12), number, promise.measure)
        ready = plan.verify(plan.later(plan.last, 1, 4), number)

    ready = plan.reply(plan.later(max(ready, plan.last), 1, 6), "A")
    if again:
        _handle_again(plan, meeting if meeting and not met and meeting.day >= ready else None, ready, escalated)
        met = True
    if meeting and not met and ready <= meeting.day <= ready + timedelta(days=75):
        plan.ask(min(plan.later(ready, 1, 2), meeting.day))
        plan.find(meeting, "struck_off", commitment=ordered[-1] if ordered else None)
        if plan.retest:
            plan.add(meeting.day, "reballot_counted", meeting=meeting.key, hearing=plan.hearing, ballot=plan.retest)
        plan.confirm(meeting.day)
        plan.strike_off(meeting.day, "finding")
    else:
        asked = plan.ask(plan.later(plan.last, 1, 3))
        if refused:
            _refuse(plan, asked)
        if waived:
            end = add_workdays(plan.last, CONFIRMATION_LIMIT + plan.rng.randint(2, 6))
            plan.add(end, "confirmation_waived", deputy=plan.deputy, reason=plan.say("waived"))
        else:
            plan.confirm(plan.last + timedelta(days=plan.rng.randint(2, 10)))
        plan.strike_off(plan.later(plan.last, 0, 2))
    if reopened:
        _reopen(plan, plan.last + timedelta(days=reopened))


def _extend(plan: Plan, number: int, day: date, decision: str) -> None:
    """Asked for before the day has come, decided within two; `withdrawn`: done before that."""
    due_on = plan.commitments[number - 1].due_on
    plan.add(
        day,
        "extension_asked",
        by=plan.account,
        commitment=number,
        new_due_on=roll(due_on + timedelta(days=40)),
        reason=plan.say("extend"),
    )
    decided = plan.later(plan.last, 1, 2)
    if decision == "granted":
        plan.add(decided, "extension_granted", commitment=number, text=plan.say("granted"))
    elif decision == "refused":
        plan.add(decided, "extension_refused", commitment=number, reason=plan.say("refused"))


def _handle_again(plan: Plan, meeting: Meeting | None, ready: date, escalated: bool) -> None:
    """Found badly done: a new round, at a look-back or ordered at the desk."""
    day = meeting.day if meeting else plan.later(ready, 8, 15)
    due_on = add_months(day, 1)
    plan.round += 1
    if meeting:
        plan.find(meeting, "escalate" if escalated else "handle_again", new_due_on=due_on)
        if escalated:
            plan.add(day, "escalated", to="区政府办公室", text="涉及两个以上部门，提请区政府办公室协调后重新办理。")
            plan.add(day, "rework_ordered", round=plan.round, due_on=due_on, reason="升级协调，重新办理。")
    else:
        plan.add(day, "rework_ordered", round=plan.round, due_on=due_on, reason="现场抽查质量不符，重新办理。")
    measure = "重新整改并由居民代表验收"
    number = len(plan.commitments) + 1
    promise = Commitment(measure, due_on, plan.lead, plan.co[:1], "1 month")
    plan.add(
        plan.later(plan.last, 2, 4), "commitment_made", by=plan.account, commitment=number, commitment_data=promise
    )
    plan.report(add_workdays(due_on, -2), number, measure)
    plan.verify(plan.later(plan.last, 1, 3), number)
    plan.reply(plan.later(plan.last, 1, 3), "A")


def _refuse(plan: Plan, asked: date) -> None:
    """The deputy does not agree: a new round with a month's limit, then asked again."""
    plan.round += 1
    day = asked + timedelta(days=plan.rng.randint(3, 12))
    due_on = add_months(roll(day), 1)
    plan.add(
        day,
        "confirmation_refused",
        by=plan.deputy,
        exact=is_workday(day),
        deputy=plan.deputy,
        reason=plan.say("refuse"),
    )
    plan.progress(plan.later(plan.last, 5, 8), 1) if plan.commitments else None
    plan.reply(add_workdays(due_on, -plan.rng.randint(1, 5)), "A")
    plan.ask(plan.later(plan.last, 1, 2))


def _reopen(plan: Plan, day: date) -> None:
    """Struck off, and there again: a new round, the old one stays readable."""
    plan.round += 1
    plan.add(day, "reopened", reason=plan.say("reopened"), round=plan.round)
    plan.assign(plan.later(plan.last, 1, 2), due_on=add_months(roll(day), 1), basis="1 month")
    plan.accept(plan.later(plan.last, 1, 2))
    measure = "修复反弹部位并落实日常管护"
    number = len(plan.commitments) + 1
    due_on = add_months(plan.last, 1)
    promise = Commitment(measure, due_on, plan.lead, plan.co[:1], "1 month")
    plan.add(plan.last, "commitment_made", by=plan.account, commitment=number, commitment_data=promise)
    plan.report(add_workdays(due_on, -3), number, measure)
    plan.verify(plan.later(plan.last, 1, 3), number)
    plan.reply(plan.later(plan.last, 1, 4), "A")
    plan.ask(plan.later(plan.last, 1, 2))
    plan.confirm(plan.last + timedelta(days=plan.rng.randint(2, 8)))
    plan.strike_off(plan.later(plan.last, 0, 2))


def explain_on_site(plan: Plan, text: str) -> None:
    """Answered or solved on the night: the deputy confirms, and it is settled."""
    plan.ask(add_workdays(plan.night, 1))
    plan.confirm(plan.last + timedelta(days=plan.rng.randint(1, 6)), "heard")
    plan.add(plan.later(plan.last, 0, 1), "explained", text=text)


def decline(plan: Plan, reason: str, referral: str) -> None:
    plan.add(add_workdays(plan.night, 2), "declined", reason=reason, referral=referral)


def transfer(plan: Plan, title: str) -> None:
    plan.add(add_workdays(plan.night, 3), "transferred", title=f"关于{title}的建议", to="代表建议")


def study(plan: Plan, result_class: str) -> None:
    """Studied after the hearing, and answered: no (C), not this way (D), or later (B, with a new promise)."""
    accepted = start(plan)
    promise = plan.commitments[0] if plan.commitments else None
    day = promise.due_on if promise else add_months(accepted, 3) - timedelta(days=plan.rng.randint(4, 15))
    if promise:
        plan.progress(accepted + (day - accepted) / 2, 1)
        plan.report(add_workdays(day, -plan.rng.randint(0, 3)), 1, promise.measure)
        plan.verify(plan.later(plan.last, 1, 3), 1)
    day = plan.reply(max(day, plan.last), result_class)
    if result_class == "B":
        number = len(plan.commitments) + 1
        due_on = add_months(day, 4)
        made = Commitment("按调查结论组织实施", due_on, plan.lead, plan.co[:1], "4 months")
        plan.add(day, "commitment_made", by=plan.account, commitment=number, commitment_data=made)
        plan.report(add_workdays(due_on, -4), number, made.measure)
        plan.verify(plan.later(plan.last, 1, 3), number)
        plan.reply(plan.later(plan.last, 1, 4), "A")
        plan.ask(plan.later(plan.last, 1, 2))
        plan.confirm(plan.last + timedelta(days=plan.rng.randint(2, 8)))
        plan.strike_off(plan.later(plan.last, 0, 2))
        return
    plan.ask(plan.later(day, 1, 3))
    plan.confirm(plan.last + timedelta(days=plan.rng.randint(2, 9)), "understand")
    plan.add(plan.later(plan.last, 0, 1), "explained", text="已书面说明情况和理由，代表同意，解释答复办结。")


def escalate(plan: Plan, to: str) -> None:
    """Beyond the district's power: the report goes up, the answer is what the district could do."""
    start(plan)
    plan.add(
        plan.later(plan.last, 1, 3),
        "escalated",
        by=plan.account,
        to=to,
        text="超出区级权限，已整理专报提请协调。",
    )
    for number, promise in enumerate(plan.commitments, start=1):
        plan.report(add_workdays(promise.due_on, -1), number, promise.measure)
        plan.verify(plan.later(plan.last, 1, 3), number)
    plan.reply(plan.later(plan.last, 2, 5), "C")
    plan.ask(plan.later(plan.last, 1, 3))
    plan.confirm(plan.last + timedelta(days=plan.rng.randint(2, 9)), "understand")
    plan.add(plan.later(plan.last, 0, 1), "explained", text="区级能办的已办结，其余按市级协调结果另行告知。")


def track(plan: Plan, meeting: Meeting | None, new_due_on: date) -> None:
    """Part of it is done; the rest was put off with leave and is still to come."""
    accepted = start(plan)
    *early, last = range(1, len(plan.commitments) + 1)
    for number in early:
        promise = plan.commitments[number - 1]
        plan.report(add_workdays(promise.due_on, -2), number, promise.measure)
        plan.verify(plan.later(plan.last, 1, 3), number)
    due_on = plan.commitments[last - 1].due_on
    reply_by = add_months(accepted, 3) - timedelta(days=7)
    if reply_by < due_on:
        plan.reply(max(reply_by, plan.last), "B")
    plan.add(
        min(max(add_workdays(due_on, -6), plan.last), due_on),
        "extension_asked",
        by=plan.account,
        commitment=last,
        new_due_on=new_due_on,
        reason=plan.say("extend"),
    )
    plan.add(plan.later(plan.last, 1, 2), "extension_granted", commitment=last, text=plan.say("granted"))
    if reply_by >= due_on:
        plan.reply(max(reply_by, plan.last), "B")
    if meeting and meeting.day >= plan.last:
        plan.find(meeting, "keep_tracking", commitment=last)
    plan.progress(plan.last + timedelta(days=30), last)


def stall(plan: Plan) -> None:
    """Past its day, reminded and put under supervision, and still not done."""
    start(plan)
    ordered = sorted(range(1, len(plan.commitments) + 1), key=lambda n: plan.commitments[n - 1].due_on)
    first = ordered[0]
    promise = plan.commitments[first - 1]
    plan.progress(plan.last + timedelta(days=10), first)
    plan.add(
        max(promise.due_on + timedelta(days=1), plan.last),
        "reminded",
        commitment=first,
        department=plan.lead,
        text=plan.say("remind", m=promise.measure),
    )
    plan.add(
        plan.last + timedelta(days=14),
        "supervised",
        commitment=first,
        department=plan.lead,
        text=plan.say("supervise", m=promise.measure),
        new_due_on=roll(plan.last + timedelta(days=30)),
    )


def stop_at(plan: Plan, where: str) -> None:
    """An issue of the last weeks, standing at one point of its way as of today."""
    today = plan.today
    yesterday = roll_back(today - timedelta(days=1))
    if where == "registered":
        return
    if where == "assigned":
        plan.assign(max(add_workdays(today, -2), add_workdays(plan.night, 1)))
        return
    if where == "returned":
        wrong = "enforcement" if plan.lead != "enforcement" else "transport"
        plan.assign(add_workdays(today, -3), to=wrong)
        plan.add(
            add_workdays(today, -1),
            "returned",
            by=DEPARTMENT_LOGINS[wrong],
            department=wrong,
            reason=plan.say("returned"),
        )
        return
    start(plan)
    if where in ("in_handling", "due_today", "due_soon", "due_this_week"):
        if plan.last + timedelta(days=3) < today:
            plan.progress(plan.last + timedelta(days=3), 1)
        return
    if where == "overdue":
        due_on = min(c.due_on for c in plan.commitments)
        number = next(n for n, c in enumerate(plan.commitments, 1) if c.due_on == due_on)
        plan.add(
            max(due_on + timedelta(days=1), plan.last),
            "reminded",
            commitment=number,
            department=plan.lead,
            text=plan.say("remind", m=plan.commitments[number - 1].measure),
        )
        return
    if where == "extension_asked":
        number = len(plan.commitments)
        plan.add(
            add_workdays(today, -2),
            "extension_asked",
            by=plan.account,
            commitment=number,
            new_due_on=roll(plan.commitments[number - 1].due_on + timedelta(days=30)),
            reason=plan.say("extend"),
        )
        return
    if where == "reported":
        plan.report(add_workdays(today, -2), 1, plan.commitments[0].measure)
        return
    # The rest have done what they promised.
    for number, promise in enumerate(plan.commitments, start=1):
        plan.report(min(max(promise.due_on, plan.last), yesterday), number, promise.measure)
        plan.verify(plan.last, number)
    if where == "replied":
        plan.reply(plan.last, "A")
    elif where == "asked":
        plan.reply(plan.last, "A")
        plan.ask(max(add_workdays(today, -3), plan.last))
    elif where == "silent":
        plan.reply(plan.last, "A")
        plan.ask(max(add_workdays(today, -CONFIRMATION_LIMIT - 3), plan.last))
    elif where == "rework":
        plan.reply(plan.last, "A")
        plan.ask(plan.last)
        plan.round += 1
        day = max(add_workdays(today, -4), plan.last)
        plan.add(
            day,
            "confirmation_refused",
            by=plan.deputy,
            deputy=plan.deputy,
            reason=plan.say("refuse"),
        )
