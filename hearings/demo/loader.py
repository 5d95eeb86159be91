"""Loads the demo through the operations that people use, in time order, with the clock set to each event.

So the trail is real: who did what, when, in an unbroken chain. Each handler below carries the kind of event
that `shapes` describes.
"""

import heapq
import io
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_security.utils import hash_password
from PIL import Image, ImageDraw
from sqlalchemy import select

from .. import audit, undo
from ..db import LOCAL, clock_at, db, local, now
from ..documents import pdf
from ..errors import RuleBroken
from ..files import StoredFile, store
from ..issues import operations as issues
from ..issues.models import (
    Assignment,
    AssignmentStatus,
    Category,
    Commitment,
    CommitmentStatus,
    ExchangeKind,
    Extension,
    ExtensionStatus,
    Issue,
    IssueStatus,
    Outcome,
    ResultClass,
)
from ..minutes import operations as minutes
from ..minutes.data import associated
from ..minutes.models import Minutes
from ..minutes.press import word
from ..notices import news
from ..people import house
from ..people import operations as people
from ..people.models import Department, DepartmentKind, User
from ..reviews import operations as reviews
from ..reviews.models import Confirmation, Verdict
from ..schedule import operations as schedule
from ..schedule.models import (
    AttendanceList,
    Came,
    Capacity,
    Hearing,
    HearingKind,
    Participant,
    Station,
    Topic,
    TopicSource,
)
from . import corpus, shapes

IN_PRINT = 12
"""Papers that may wait for their printing."""

LOOSENING = {"issue_registered", "returned", "reopened"}
"""Events after which a hearing could not be filed: what was filed before them must be filed by then."""

PICTURES = 12

CAPACITIES = {"standing_committee_leader": Capacity.COMMITTEE_LEADER}
VERDICTS = {"struck_off": Verdict.STRIKE_OFF}
START = local(date(2018, 12, 3), datetime.min.time().replace(hour=9))


GUESTS = 5000
"""Who is not of the directory stands after those who are, in the order given."""


class Skipped(Exception):
    """An event that the state has already taken care of."""


class Loader:
    """One run. Keeps what codes, logins and keys of the corpus became in the database."""

    def __init__(self, today: date, password: str):
        self.today = today
        self.password = hash_password(password)
        self.users: dict[str, User] = {}
        self.departments: dict[str, Department] = {}
        self.stations: dict[str, Station] = {}
        self.hearings: dict[str, Hearing] = {}
        self.topics: dict[tuple[str, str], Topic] = {}
        self.issues: dict[tuple[str, int], Issue] = {}
        self.commitments: dict[tuple[str, int, int], Commitment] = {}
        self.seats: dict[tuple[str, str], Participant] = {}
        self.pictures: dict[int, dict[str, Any]] = {}
        self.in_print: deque[tuple[Any, ...]] = deque()
        self.fonts_dir = Path(current_app.instance_path) / "fonts"
        self.data: dict[str, shapes.Hearing] = {}
        self.handlers: dict[str, Callable[..., None]] = {
            name.removeprefix("on_"): getattr(self, name) for name in dir(self) if name.startswith("on_")
        }

    # -- the order of events -----------------------------------------------------------------------------

    def load(self) -> None:
        """Everything, oldest first, in one transaction: wholly there or not at all."""
        with force_locale("zh_Hans"), undo.as_one():
            with clock_at(START):
                self._directory()
            with ThreadPoolExecutor(pdf.CHILDREN) as self.press:
                for at, _, key, kind, payload in self._timeline():
                    self._carry_out(at, key, kind, payload)
                    self._publish_printed(waiting=IN_PRINT)
                self._publish_printed(waiting=0)
            # what waited for its printing was noted late; the trail tells it at the time it happened
            db.session.info["audit"].sort(key=lambda line: line["at"])
            db.session.commit()
            news.skip()  # what happened years ago is nobody's news
            db.session.commit()

    def _timeline(self) -> Iterator[tuple[datetime, int, str, str, dict[str, Any]]]:
        """Events of all hearings merged by time; those that lie in the future are left out."""
        order = 0
        streams = []
        end = now()

        def stream(key: str, events: Iterable[tuple[datetime, str, dict[str, Any]]]) -> None:
            nonlocal order
            rows = []
            for at, kind, payload in events:
                order += 1
                rows.append((at, order, key, kind, payload))
            streams.append(sorted(rows, key=lambda r: (r[0], r[1])))

        example = corpus.SESSION_9
        for hearing in (example.hearing, *example.meetings):
            self.data[hearing.key] = hearing
        stream(example.hearing.key, ((e.at, e.kind, dict(e.payload)) for e in example.events))
        for hearing in corpus.OTHER_HEARINGS(self.today, end.astimezone(LOCAL)):
            self.data[hearing.key] = hearing
            stream(hearing.key, ((e.at, e.kind, dict(e.payload)) for e in hearing.life))
            for issue in hearing.issues:
                steps = []
                for number, step in enumerate(issue.plan):
                    day = hearing.starts_at.date() + timedelta(days=step.days_after)
                    at = shapes.on(day, 9 + number % 8, (7 * issue.position + 11 * number) % 60)
                    steps.append((at, step.what, {"issue": issue.position, **step.payload}))
                stream(hearing.key, _rising(steps))
        stream(
            "pool",
            (
                (shapes.on(t.collected_on, 15, 30), "topic_collected", {"data": t, "by": "organiser"})
                for t in corpus.topic_pool(self.today)
            ),
        )
        for row in heapq.merge(*streams):
            if row[0] <= end:
                yield row

    def _carry_out(self, at: datetime, key: str, kind: str, payload: dict[str, Any]) -> None:
        key = payload.pop("meeting", key)
        by = payload.pop("by", None)
        if kind in LOOSENING:
            raised_at = self._meeting_of(key, payload.get("hearing"))[1]
            while any(paper[1] == raised_at and paper[5] for paper in self.in_print):
                self._publish_printed(waiting=len(self.in_print) - 1)
        with clock_at(at):
            try:
                self.handlers[kind](key, self.users[by] if by else None, **payload)
            except Skipped:
                pass
            except RuleBroken as broken:
                where = f"{at:%Y-%m-%d %H:%M} {key} {kind} {payload.get('issue', '')}"
                raise RuntimeError(f"{where}: {broken.message}") from broken

    # -- who there is --------------------------------------------------------------------------------------

    def _directory(self) -> None:
        people.name_office(corpus.OFFICE, actor=None)
        house.refresh()
        for position, d in enumerate(corpus.DEPARTMENTS, 1):
            name, short = (d.former_name, d.former_short_name) if d.former_name else (d.name, d.short_name)
            self.departments[d.code] = people.create_department(
                name=name or d.name,
                short_name=short or d.short_name,
                actor=None,
                kind=DepartmentKind(d.kind),
                street=d.street,
                head=d.head,
                contact=d.contact,
                position=position * 10,
            )
        for s in corpus.STATIONS:
            self.stations[s.code] = schedule.create_station(
                code=s.code,
                name=s.name,
                street=s.street,
                address=s.address,
                capacity=s.capacity,
                contact=s.contact,
                actor=None,
            )
        for p in corpus.PEOPLE:
            user = User(
                username=p.login,
                name=p.name,
                title=p.job_title,
                department=self.departments[p.department] if p.department else None,
                stations=[self.stations[code] for code in p.stations],
                protocol_order=p.protocol_order,
                password=self.password,
                fs_uniquifier=f"demo-{p.login}-{random.Random(p.login).getrandbits(64):x}",
            )
            user.set_roles(p.roles)
            db.session.add(user)
            self.users[p.login] = user
        db.session.flush()
        for user in self.users.values():
            audit.record("user.create", user, None, roles=sorted(user.role_set))

    def _rename_due(self) -> None:
        """Offices that have been renamed by the moment of the event."""
        for d in corpus.DEPARTMENTS:
            if d.renamed_on and self.departments[d.code].name == d.former_name and now() >= shapes.on(d.renamed_on):
                self.departments[d.code] = people.rename_department(
                    self.departments[d.code],
                    name=d.name,
                    short_name=d.short_name,
                    on=d.renamed_on,
                    actor=self.users["admin"],
                )

    def _offices(self, codes: Iterable[str]) -> list[Department]:
        return [self.departments[code] for code in codes]

    # -- before ----------------------------------------------------------------------------------------------

    def on_topic_collected(
        self, key: str, by: User, *, topic: str | None = None, data: shapes.Topic | None = None
    ) -> None:
        if data is None:
            data = next(t for t in self.data[key].topics if t.key == topic)
        self.topics[key, data.key] = schedule.add_topic(
            title=data.title,
            details=data.detail,
            source=_source(data.source),
            street=data.street,
            departments=self._offices(data.departments),
            actor=by,
        )

    def on_hearing_drafted(self, key: str, by: User) -> None:
        self._rename_due()
        issues.settle_silence()
        data = self.data[key]
        follows = None
        if key in {m.key for m in corpus.SESSION_9.meetings}:
            follows = self.hearings[corpus.SESSION_9.hearing.key]
        elif data.carried:
            follows = self.hearings.get(data.carried[-1][0])
        hearing = schedule.draft_hearing(
            kind=HearingKind(data.kind),
            title=data.title,
            theme=data.theme,
            station=self.stations[data.station],
            starts_at=data.starts_at,
            ends_at=data.ends_at,
            chair=self.users.get(data.chair),
            follows=follows,
            actor=by,
        )
        self.hearings[key] = hearing
        self._seats(key, by)
        reviews.carry_in(hearing, [self.issues[k] for k in data.carried], actor=by)

    def _seats(self, key: str, by: User) -> None:
        hearing, data = self.hearings[key], self.data[key]
        seats = list(data.participants)
        named = {p.login for p in seats} | {data.chair}
        for position, p in enumerate(seats, 1):
            self.seats[key, p.key] = self._seat(hearing, p, position, by)
        for login in (*data.leaders, *data.deputies):
            if login not in named:
                self.seats[key, login] = schedule.add_person(hearing, self.users[login], actor=by)
        seated = {p.department for p in seats}
        for code in data.departments:
            if code not in seated and self.departments[code].kind != DepartmentKind.OTHER:
                self.seats[key, code] = schedule.add_department(hearing, self.departments[code], actor=by)

    def _seat(self, hearing: Hearing, p: shapes.Participant, position: int, by: User) -> Participant:
        capacity = CAPACITIES.get(p.capacity) or Capacity(p.capacity)
        listed = AttendanceList(p.listed)
        if p.department:
            seat = schedule.add_department(hearing, self.departments[p.department], actor=by)
            seat.capacity, seat.listed = capacity, listed
            person = self.users.get(p.login) if p.login else None
            seat.name, seat.title = (
                (p.name or (person.name if person else None)),
                p.title or (person.title if person else None),
            )
            return seat
        if p.login and p.login in self.users:
            seat = schedule.add_person(hearing, self.users[p.login], actor=by, capacity=capacity, listed=listed)
            seat.capacity, seat.listed = capacity, listed
            seat.unit = p.unit or seat.unit
            return seat
        return schedule.add_guest(
            hearing,
            capacity=capacity,
            listed=listed,
            name=p.name,
            unit=p.unit,
            title=p.title,
            seats=p.seats,
            position=GUESTS + position,
            actor=by,
        )

    def on_topic_selected(self, key: str, by: User, *, topic: str) -> None:
        schedule.choose_topics(self.hearings[key], [self.topics[key, topic]], actor=by)

    def on_hearing_announced(self, key: str, by: User) -> None:
        schedule.announce(self.hearings[key], actor=by, serial_no=self.data[key].serial_no)

    def on_attendee_named(
        self, key: str, by: User, *, department: str, person: str | None = None, text: str | None = None
    ) -> None:
        hearing = self.hearings[key]
        seat = db.session.scalar(
            select(Participant).where(
                Participant.hearing_id == hearing.id, Participant.department_id == self.departments[department].id
            )
        )
        if seat is None:
            raise Skipped
        who = self.users.get(person or "")
        office = next(d for d in corpus.DEPARTMENTS if d.code == department)
        schedule.name_attendee(
            seat, name=who.name if who else office.head, title=who.title if who else "负责人", actor=by
        )
        if text:
            schedule.prepare(hearing, seat.department, text=text, file=None, actor=by)  # type: ignore[arg-type]

    def on_participant_answered(
        self, key: str, by: User, *, participant: str, answer: str, text: str | None = None
    ) -> None:
        seat = self.seats.get((key, participant))
        if seat is None or answer != "declined":
            raise Skipped
        schedule.sign_in(seat, Came.ON_LEAVE, reason=text, actor=by)

    def on_hearing_rescheduled(
        self, key: str, by: User, *, starts_at: datetime, ends_at: datetime, reason: str
    ) -> None:
        hearing = self.hearings[key]
        schedule.reschedule(
            hearing, starts_at=starts_at, ends_at=ends_at, station=hearing.station, reason=reason, actor=by
        )

    def on_hearing_postponed(self, key: str, by: User, *, reason: str) -> None:
        schedule.postpone(self.hearings[key], reason=reason, actor=by)

    def on_hearing_cancelled(self, key: str, by: User, *, reason: str) -> None:
        schedule.cancel(self.hearings[key], reason=reason, actor=by)

    def on_hearing_discarded(self, key: str, by: User, *, reason: str | None = None) -> None:
        schedule.discard(self.hearings[key], actor=by)

    # -- on the night ------------------------------------------------------------------------------------

    def on_participant_came(
        self,
        key: str,
        by: User,
        *,
        participant: str,
        came: str,
        stand_in: str | None = None,
        time: Any = None,
        reason: str | None = None,
    ) -> None:
        seat = self.seats.get((key, participant))
        if seat is None:
            raise Skipped
        if stand_in:
            seat.stand_in_name = stand_in
        schedule.sign_in(
            seat, Came(came), actor=by, reason=reason or seat.reason, stand_in=bool(stand_in) and came == "signed_in"
        )

    def on_hearing_opened(self, key: str, by: User) -> None:
        schedule.open_session(self.hearings[key], actor=by)

    def on_issue_registered(self, key: str, by: User, *, issue: int) -> None:
        data = self._issue_data(key, issue)
        surname, community = None, None
        if data.resident:
            surname, _, community = data.resident.partition("（")
            surname, community = surname.strip() or None, community.strip("） ") or None
        topic = self.topics.get((key, data.topic)) if data.topic else None
        self.issues[key, issue] = issues.log_issue(
            self.hearings[key],
            statement=data.statement,
            topic=topic,
            title=topic.title if topic else None,
            lead_deputy=self.users.get(data.raised_by or ""),
            cosigners=[self.users[c] for c in data.co_signers],
            resident=surname,
            community=community,
            category=_category(data.category),
            place=data.place,
            street=data.street,
            actor=by,
        )

    def _issue_data(self, key: str, issue: int) -> shapes.Issue:
        return next(i for i in self.data[key].issues if i.position == issue)

    def on_exchange_added(self, key: str, by: User, *, issue: int, exchange: int) -> None:
        data = self._issue_data(key, issue).exchanges[exchange - 1]
        speaker = self.users[data.speaker].name if data.speaker in self.users else data.speaker_name
        issues.add_exchange(
            self.issues[key, issue],
            ExchangeKind(data.kind),
            data.text,
            speaker=speaker,
            department=self.departments.get(data.department or ""),
            actor=by,
        )

    def on_outcome_decided(
        self, key: str, by: User, *, issue: int, outcome: str | None = None, answer_by: date | None = None
    ) -> None:
        outcome = outcome or self._issue_data(key, issue).outcome
        note = "不属于夜询会受理范围，已说明理由并引导至其他渠道" if outcome == "not_accepted" else None
        issues.decide_outcome(self.issues[key, issue], Outcome(outcome), note=note, actor=by)

    def on_commitment_made(
        self,
        key: str,
        by: User,
        *,
        issue: int,
        commitment: int | None = None,
        commitment_data: shapes.Commitment | None = None,
    ) -> None:
        data = commitment_data or self._issue_data(key, issue).commitments[(commitment or 1) - 1]
        position = 1 + sum(1 for k in self.commitments if k[:2] == (key, issue))
        self.commitments[key, issue, position] = issues.make_commitment(
            self.issues[key, issue],
            measure=data.measure,
            lead=self.departments[data.lead],
            co_handlers=self._offices(data.co),
            due_on=data.due_on,
            due_basis=_basis(data.basis),
            actor=by,
        )

    def on_ballot_counted(self, key: str, by: User, *, issue: int, ballot: shapes.Ballot | None = None) -> None:
        self._count(self.hearings[key], self.issues[key, issue], ballot or self._issue_data(key, issue).ballot, by)

    def on_reballot_counted(
        self, key: str, by: User, *, issue: int, ballot: shapes.Ballot, hearing: str | None = None
    ) -> None:
        where, raised_at = self._meeting_of(key, hearing)
        self._count(self.hearings[where], self.issues[raised_at, issue], ballot, by)

    def _count(self, hearing: Hearing, issue: Issue, ballot: shapes.Ballot | None, by: User) -> None:
        if ballot is None:
            raise Skipped
        hearing.ballots_issued = hearing.ballots_issued or ballot.issued
        reviews.record_ballot(
            hearing,
            issue,
            issued=ballot.issued,
            satisfied=ballot.satisfied,
            mostly_satisfied=ballot.mostly_satisfied,
            dissatisfied=ballot.dissatisfied,
            invalid=ballot.invalid,
            actor=by,
        )

    def on_hearing_concluded(self, key: str, by: User) -> None:
        schedule.conclude(self.hearings[key], rest=Came.ABSENT, actor=by)

    def on_minutes_drafted(self, key: str, by: User, *, text: str | None = None) -> None:
        minutes.draft(self.hearings[key], actor=by)

    def _minutes(self, key: str) -> Minutes:
        row = minutes.latest(self.hearings[key])
        if row is None:
            raise RuntimeError(f"{key} has no minutes yet")
        return row

    def on_minutes_reviewed(self, key: str, by: User) -> None:
        minutes.review(self._minutes(key), actor=by)

    def on_minutes_published(
        self, key: str, by: User, *, issued_by: str | None = None, issued_on: date | None = None
    ) -> None:
        chair = self.hearings[key].chair
        signed: dict[str, Any] = {
            "issued_by": issued_by or (chair.name if chair else by.name),
            "issued_on": issued_on or now().astimezone(LOCAL).date(),
        }
        row = self._minutes(key)
        content = minutes.to_print(row, **signed)
        files = associated(content)
        printed = self.press.submit(pdf.render, "minutes", content, fonts_dir=self.fonts_dir, associated=files)
        self.in_print.append((now(), key, row, by, signed | {"printed": content}, [], printed))

    def _publish_printed(self, *, waiting: int) -> None:
        """Publish what has been printed; wait for the oldest while more than `waiting` are in print.

        Printing takes longer than all the rest, so it goes on beside it. What was composed is what is published;
        events that came meanwhile in real time lie later in the demo's.
        """
        while self.in_print and (len(self.in_print) > waiting or self.in_print[0][-1].done()):
            at, key, row, by, signed, filed, printed = self.in_print.popleft()
            with clock_at(at):
                minutes.publish(row, **signed, actor=by, pdf=printed.result(), docx=word(signed["printed"]))
            for then, who in filed:
                with clock_at(then):
                    schedule.file_hearing(self.hearings[key], actor=who)

    def on_hearing_filed(self, key: str, by: User) -> None:
        waiting = next((paper for paper in self.in_print if paper[1] == key), None)
        if waiting is not None:  # filed when its minutes are out, at the time it happened
            waiting[5].append((now(), by))
            return
        schedule.file_hearing(self.hearings[key], actor=by)

    # -- afterwards ----------------------------------------------------------------------------------------

    def _meeting_of(self, key: str, hearing: str | None = None) -> tuple[str, str]:
        """(where the act takes place, where its issue was raised): a meeting's events name only themselves."""
        example = corpus.SESSION_9
        if key in {m.key for m in example.meetings}:
            return key, example.hearing.key
        return key, hearing or key

    def _issue(self, key: str, position: int) -> Issue:
        return self.issues[self._meeting_of(key)[1], position]

    def _commitment(self, key: str, issue: int, position: int) -> Commitment:
        return self.commitments[self._meeting_of(key)[1], issue, position]

    def _assignment(self, issue: Issue, department: str | None = None) -> Assignment:
        rows = db.session.scalars(
            select(Assignment).where(Assignment.issue_id == issue.id, Assignment.round == issue.round)
        ).all()
        if department:
            family = {self.departments[department].id}
            mine = [a for a in rows if a.department_id in family or a.department.successor_id in family]
            if mine:
                return mine[0]
        return next(a for a in rows if a.part != "co_handler")

    def on_rework_ordered(
        self, key: str, by: User, *, issue: int, reason: str, due_on: date | None = None, round: int | None = None
    ) -> None:
        row = self._issue(key, issue)
        if row.status == IssueStatus.REGISTERED:  # the ballot of the night has made it round 2 already
            raise Skipped
        if round is not None and row.round >= round:  # a refused confirmation has started it already
            raise Skipped
        issues.rework(row, reason=reason, due_on=due_on, actor=by)

    def on_assigned(
        self,
        key: str,
        by: User,
        *,
        issue: int,
        department: str,
        co: Iterable[str] = (),
        due_on: date | None = None,
        basis: str | None = None,
        round: int | None = None,
    ) -> None:
        row = self._issue(key, issue)
        if row.lead_deputy is None:  # a resident's issue gets a deputy when it is accepted
            seats = db.session.scalars(
                select(Participant).where(
                    Participant.hearing_id == row.hearing_id,
                    Participant.capacity == Capacity.DEPUTY,
                    Participant.user_id.is_not(None),
                )
            ).all()
            deputy = seats[issue % len(seats)].user if seats else self.users["deputy"]
            issues.amend_issue(row, {"lead_deputy": deputy}, actor=by)
        issues.assign(
            row,
            lead=self.departments[department],
            co_handlers=self._offices(co),
            due_on=due_on,
            actor=by,
        )

    def on_accepted(self, key: str, by: User, *, issue: int, department: str) -> None:
        assignment = self._assignment(self._issue(key, issue), department)
        if assignment.status != AssignmentStatus.ASSIGNED:
            raise Skipped
        issues.accept_assignment(assignment, actor=by)

    def on_returned(self, key: str, by: User, *, issue: int, department: str, reason: str) -> None:
        issues.return_assignment(self._assignment(self._issue(key, issue), department), reason=reason, actor=by)

    def on_progress(
        self,
        key: str,
        by: User,
        *,
        issue: int,
        text: str,
        department: str | None = None,
        commitment: int | None = None,
        percent: int | None = None,
    ) -> None:
        issues.report_progress(
            self._assignment(self._issue(key, issue), department),
            text=text,
            commitment=self._commitment(key, issue, commitment) if commitment else None,
            percent=percent,
            actor=by,
        )

    def on_reminded(
        self,
        key: str,
        by: User,
        *,
        issue: int,
        text: str,
        department: str | None = None,
        commitment: int | None = None,
    ) -> None:
        assignment = self._assignment(self._issue(key, issue), department)
        issues.remind_assignment(assignment, reason=text, actor=by)

    def on_supervised(
        self,
        key: str,
        by: User,
        *,
        issue: int,
        text: str,
        new_due_on: date,
        department: str | None = None,
        commitment: int | None = None,
    ) -> None:
        assignment = self._assignment(self._issue(key, issue), department)
        issues.supervise_assignment(assignment, reason=text, new_due_on=new_due_on, actor=by)

    def on_done_reported(
        self, key: str, by: User, *, issue: int, commitment: int, text: str, evidence: Iterable[str] = ()
    ) -> None:
        row = self._commitment(key, issue, commitment)
        if row.status != CommitmentStatus.OPEN:
            raise Skipped
        issues.report_done(row, report=text, files=[self._picture(c, by) for c in evidence], actor=by)

    def on_done_verified(self, key: str, by: User, *, issue: int, commitment: int, text: str | None = None) -> None:
        row = self._commitment(key, issue, commitment)
        if row.status != CommitmentStatus.REPORTED:  # the look-back's finding has verified it
            raise Skipped
        issues.verify_commitment(row, note=text, actor=by)

    def on_done_rejected(self, key: str, by: User, *, issue: int, commitment: int, reason: str) -> None:
        issues.reject_report(self._commitment(key, issue, commitment), reason=reason, actor=by)

    def on_commitment_released(self, key: str, by: User, *, issue: int, commitment: int, reason: str) -> None:
        row = self._commitment(key, issue, commitment)
        if row.status in (CommitmentStatus.KEPT, CommitmentStatus.RELEASED):
            raise Skipped
        issues.release_commitment(row, reason=reason, actor=by)

    def on_extension_asked(
        self, key: str, by: User, *, issue: int, commitment: int, new_due_on: date, reason: str
    ) -> None:
        issues.ask_extension(self._commitment(key, issue, commitment), new_due_on=new_due_on, reason=reason, actor=by)

    def _extension(self, key: str, issue: int, commitment: int) -> Extension:
        row = db.session.scalar(
            select(Extension).where(
                Extension.commitment_id == self._commitment(key, issue, commitment).id,
                Extension.status == ExtensionStatus.ASKED,
            )
        )
        if row is None:
            raise Skipped
        return row

    def on_extension_granted(self, key: str, by: User, *, issue: int, commitment: int, text: str | None = None) -> None:
        issues.grant_extension(self._extension(key, issue, commitment), note=text, actor=by)

    def on_extension_refused(self, key: str, by: User, *, issue: int, commitment: int, reason: str) -> None:
        issues.refuse_extension(self._extension(key, issue, commitment), reason=reason, actor=by)

    def on_replied(
        self,
        key: str,
        by: User,
        *,
        issue: int,
        department: str,
        result_class: str,
        text: str,
        signed_by: str,
        contact: str | None = None,
        round: int | None = None,
    ) -> None:
        issues.reply(
            self._assignment(self._issue(key, issue), department),
            result_class=ResultClass(result_class),
            text=text,
            signed_by=signed_by,
            contact=contact,
            met_deputy=issue % 3 == 0,
            actor=by,
        )

    def on_finding_recorded(
        self, key: str, by: User, *, issue: int, finding: shapes.Finding, hearing: str | None = None
    ) -> None:
        where = finding.meeting
        raised_at = self._meeting_of(key, hearing)[1]
        row = self.issues[raised_at, issue]
        commitment = self.commitments.get((raised_at, issue, finding.commitment or 0))
        reviews.record_finding(
            self.hearings[where],
            row,
            found=finding.state_found,
            verdict=VERDICTS.get(finding.verdict) or Verdict(finding.verdict),
            commitment=commitment,
            deputy_opinion=finding.deputies_opinion,
            resident_opinion=finding.residents_opinion,
            new_due_on=finding.new_due_on,
            files=[self._picture(c, by) for c in finding.evidence],
            actor=by,
        )

    def on_escalated(self, key: str, by: User, *, issue: int, to: str, text: str | None = None) -> None:
        row = self._issue(key, issue)
        audit.record("issue.escalate", row, by, to=to, reason=text)

    def on_confirmation_asked(self, key: str, by: User, *, issue: int, deputy: str | None = None) -> None:
        row = self._issue(key, issue)
        if row.is_closed or self._standing(row) is not None:
            raise Skipped
        reviews.ask_confirmation(row, deputy=self.users.get(deputy or "") or row.lead_deputy, actor=by)

    def _standing(self, issue: Issue) -> Confirmation | None:
        return db.session.scalar(
            select(Confirmation).where(
                Confirmation.issue_id == issue.id,
                Confirmation.round == issue.round,
                Confirmation.status.in_(("asked", "confirmed", "waived")),
            )
        )

    def _asked(self, key: str, issue: int) -> Confirmation:
        row = self._standing(self._issue(key, issue))
        if row is None or row.status != "asked":
            raise Skipped
        return row

    def on_confirmed(
        self, key: str, by: User, *, issue: int, deputy: str | None = None, text: str | None = None
    ) -> None:
        reviews.confirm(self._asked(key, issue), note=text, actor=by)

    def on_confirmation_refused(
        self, key: str, by: User, *, issue: int, reason: str, deputy: str | None = None
    ) -> None:
        reviews.refuse(self._asked(key, issue), reason=reason, actor=by)

    def on_confirmation_waived(self, key: str, by: User, *, issue: int, reason: str, deputy: str | None = None) -> None:
        reviews.waive(self._asked(key, issue), reason=reason, actor=by)

    def on_explained(self, key: str, by: User, *, issue: int, text: str | None = None) -> None:
        row = self._issue(key, issue)
        if row.is_closed:
            raise Skipped
        if self._standing(row) is None:
            if row.lead_deputy is None:
                issues.amend_issue(row, {"lead_deputy": self.users["deputy"]}, actor=by)
            reviews.confirmed_on_the_spot(row, actor=by)
        issues.explain(row, note=text, actor=by)

    def on_declined(self, key: str, by: User, *, issue: int, reason: str, referral: str | None = None) -> None:
        issues.decline(
            self._issue(key, issue), reason="；".join(w.rstrip("。") for w in (reason, referral) if w), actor=by
        )

    def on_transferred(
        self, key: str, by: User, *, issue: int, to: str | None = None, title: str | None = None
    ) -> None:
        words = "：".join(filter(None, (to, title))) or "转代表建议"
        issues.transfer(self._issue(key, issue), to=words, actor=by)

    def on_struck_off(
        self, key: str, by: User, *, issue: int, basis: str | None = None, text: str | None = None
    ) -> None:
        row = self._issue(key, issue)
        if row.status == IssueStatus.STRUCK_OFF:  # by a finding
            raise Skipped
        issues.strike_off(row, basis=text or basis, actor=by)

    def on_reopened(self, key: str, by: User, *, issue: int, reason: str, round: int | None = None) -> None:
        issues.reopen(self._issue(key, issue), reason=reason, actor=by)

    def on_figure_added(self, key: str, by: User, *, issue: int, figure: shapes.Figure) -> None:
        value = {"余": f"{figure.value}余", "超": f"超{figure.value}", "最高": f"最高{figure.value}"}
        issues.add_figure(
            self._issue(key, issue),
            label=figure.label,
            value=value.get(figure.qualifier, figure.value),
            unit=figure.unit,
            as_of=figure.as_of,
            source=figure.source,
            actor=by,
        )

    # -- pictures --------------------------------------------------------------------------------------------

    def _picture(self, caption: str, by: User) -> StoredFile:
        """A plain invented picture under a caption; a dozen in all, each checked and shrunk once."""
        number = sum(map(ord, caption)) % PICTURES
        if number not in self.pictures:
            kept = store(_Upload("picture.png", _draw(number)), actor=by)
            self.pictures[number] = {k: getattr(kept, k) for k in ("media_type", "size", "sha256", "thumb_sha256")}
            db.session.delete(kept)
        picture = StoredFile(name=f"{caption}.png", uploaded_by_id=by.id, uploaded_at=now(), **self.pictures[number])
        db.session.add(picture)
        db.session.flush()
        return picture


class _Upload:
    def __init__(self, filename: str, data: bytes):
        self.filename = filename
        self.read = io.BytesIO(data).read


def _draw(seed: int) -> bytes:
    """A landscape of flat shapes, so that nobody is shown and nothing is claimed."""
    dice = random.Random(seed)
    picture = Image.new("RGB", (480, 320), (180 + dice.randrange(50), 200 + dice.randrange(40), 225))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 210, 480, 320), fill=(110 + dice.randrange(60), 130 + dice.randrange(40), 105))
    for _ in range(6):
        left, top = dice.randrange(460), 90 + dice.randrange(120)
        shade = 120 + dice.randrange(110)
        pen.rectangle((left, top, left + 30 + dice.randrange(70), 230), fill=(shade, shade, shade - 15))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


CATEGORIES = (
    ("health", "医疗 卫生 疫苗"),
    ("education", "教育 学校 托育"),
    ("transport", "交通 公交 停车 道路"),
    ("elderly", "养老 助老 福利 民政 残疾"),
    ("environment", "环境 生态 噪声 水利 扬尘"),
    ("housing", "住房 物业 住宅 小区 电梯"),
    ("safety", "安全 消防 治安 应急"),
    ("culture", "文物 文化 体育 旅游"),
    ("employment", "就业 企业 劳动 社保 人社"),
    ("municipal", "城市管理 市政 市容 市场 农 渔 排水"),
)


SOURCES = (
    (TopicSource.DEPUTY_VISIT, "走访 代表建议 接待 视察 调研"),
    (TopicSource.STATION_BOX, "信箱 意见箱 来信"),
    (TopicSource.DEPUTY_CODE, "代表码 扫码"),
    (TopicSource.CHAT_GROUP, "微信 群"),
    (TopicSource.HOTLINE, "12345 信访 热线"),
    (TopicSource.LAST_SESSION, "上期 未办结 回头看"),
)


def _source(words: str) -> TopicSource:
    """Where a topic came from, by the office's own words."""
    if words in set(TopicSource):
        return TopicSource(words)
    return next((s for s, keys in SOURCES if any(k in words for k in keys.split())), TopicSource.OTHER)


def _category(words: str) -> Category:
    """The office's own words as one of our categories."""
    for value, keys in CATEGORIES:
        if words == value or any(key in words for key in keys.split()):
            return Category(value)
    return Category.OTHER


def _basis(words: str | None) -> str | None:
    """ "15 working days" as the record keeps it."""
    if not words:
        return None
    number, _, unit = words.partition(" ")
    return f"{'workdays' if 'work' in unit else 'months'}:{number}:hearing"


def _rising(steps: list[tuple[datetime, str, dict[str, Any]]]) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    """The steps of one issue in their written order: never earlier than the one before."""
    last: datetime | None = None
    for at, kind, payload in steps:
        if last is not None and at <= last:
            at = last + timedelta(minutes=7)
        last = at
        yield at, kind, payload
