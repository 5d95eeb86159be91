"""What the demo data is made of: plain frozen records, without a database behind them.

People, departments, stations and hearings refer to one another by login or code, never by object,
so that a loader can put them in whatever order it needs. Times are aware and in Chinese time;
due dates are plain dates.

Two kinds of history are used:

* `Event` stands at a moment of its own (the example hearing, the life of a hearing);
* `Step` stands a number of days after its hearing (what became of one issue).

Both carry a `kind` and a `payload`, and a kind means the same in both. Payloads always hold `by`,
the login of the person who acts. `issue` is the position of the issue in its hearing (1, 2, …),
`commitment` the position of a commitment within its issue (1, 2, …); a commitment that is made
later (`commitment_made` with `commitment_data`) takes the next position.

Kinds before and on the night

    topic_collected      topic                       into the pool, see Topic
    hearing_drafted      —                           the hearing exists, nobody has been told
    topic_selected       topic                       taken into this hearing
    hearing_announced    —                           takes the running number
    attendee_named       department, person, text    a department says who comes, and what it prepared
    participant_answered participant, answer, text   accepted / declined
    hearing_rescheduled  starts_at, ends_at, reason
    hearing_postponed    reason
    hearing_cancelled    reason                      gives the running number back
    hearing_discarded    reason                      a draft nobody was told of
    hearing_opened       —
    participant_came     participant, came, time     signed_in / on_leave / absent; `stand_in` if another came
    issue_registered     issue
    exchange_added       issue, exchange             position in Issue.exchanges
    outcome_decided      issue, outcome, answer_by
    commitment_made      issue, commitment           position in Issue.commitments
    ballot_counted       issue, ballot               see Ballot
    hearing_concluded    —
    minutes_drafted / minutes_reviewed / minutes_published   `text` is the prose around the records
    hearing_filed        —

Kinds after it, one issue each

    assigned             department, co, due_on, basis, round
    accepted             department
    returned             department, reason          wrong addressee; an `assigned` follows
    progress             department, text, commitment?
    commitment_made      commitment_data             promised later than on the night
    done_reported        commitment, text, evidence  captions of the pictures or papers attached
    done_verified        commitment, text
    done_rejected        commitment, reason
    commitment_released  commitment, reason
    extension_asked      commitment, new_due_on, reason
    extension_granted    commitment, text
    extension_refused    commitment, reason
    replied              department, result_class, text, signed_by, contact, round
    reminded             department, text            a reminder slip (催办单)
    supervised           department, text, new_due_on    a supervision order (督办单)
    finding_recorded     at a look-back or evaluation meeting, see Finding
    reballot_counted     at such a meeting: ballot
    rework_ordered       reason, due_on, round
    escalated            to, text
    confirmation_asked   deputy
    confirmed / confirmation_refused (reason) / confirmation_waived (reason)   deputy
    explained            text                        answered: settled in words, the deputy confirmed
    declined             reason, referral            not accepted
    transferred          title, to                   becomes a formal suggestion, or goes to another body
    struck_off           basis                       finding / desk_check, text
    reopened             reason, round
    figure_added         figure, see Figure
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

CHINA = timezone(timedelta(hours=8), "CST")
"""China has kept UTC+8 without summer time since 1992, so no zone database is needed here."""


def at(year: int, month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=CHINA)


def on(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CHINA)


@dataclass(frozen=True)
class Department:
    code: str
    name: str
    short_name: str
    kind: str
    """bureau, street_office, enterprise or other"""
    head: str
    contact: str
    street: str | None = None
    """short name of the street, for street offices"""
    signs_in: bool = True
    """enterprises and offices outside the district government have no account"""
    former_name: str | None = None
    former_short_name: str | None = None
    renamed_on: date | None = None
    """until the day before, papers carry the former name"""


@dataclass(frozen=True)
class Station:
    code: str
    name: str
    street: str
    address: str
    capacity: int
    contact: str


@dataclass(frozen=True)
class Person:
    login: str
    name: str
    job_title: str
    roles: tuple[str, ...]
    """admin, auditor, organiser, deputy, department, leader"""
    protocol_order: int
    department: str | None = None
    stations: tuple[str, ...] = ()
    """an organiser with stations is one of these stations only; without, of the district"""
    street: str | None = None
    unit: str | None = None
    """as printed before the name in attendance lists"""


@dataclass(frozen=True)
class Participant:
    key: str
    """the login, or a word that is unique within the hearing"""
    capacity: str
    """chair, standing_committee_leader, government_leader, department_head, deputy, street_committee,
    street_office, resident, recorder, staff, media, observer"""
    listed: str = "in_attendance"
    """present (出席), in_attendance (列席), public_gallery (旁听)"""
    login: str | None = None
    name: str | None = None
    unit: str | None = None
    title: str | None = None
    department: str | None = None
    seats: int = 1
    came: str = "unknown"
    """unknown, signed_in, on_leave, absent"""
    stand_in: str | None = None
    """who came in this person's place"""
    note: str | None = None


@dataclass(frozen=True)
class Topic:
    key: str
    title: str
    source: str
    collected_on: date
    departments: tuple[str, ...]
    street: str | None = None
    detail: str | None = None
    similar_to: str | None = None
    """key of a topic that says nearly the same; a candidate for merging"""


@dataclass(frozen=True)
class Exchange:
    kind: str
    """question, answer or follow_up"""
    text: str
    speaker: str | None = None
    """login; without one, `speaker_name` says who spoke"""
    speaker_name: str | None = None
    department: str | None = None


@dataclass(frozen=True)
class Commitment:
    measure: str
    due_on: date
    lead: str
    co: tuple[str, ...] = ()
    basis: str | None = None
    """how the date came about when it was counted: "3 months", "15 working days"; None when named"""


@dataclass(frozen=True)
class Ballot:
    issued: int
    satisfied: int
    mostly_satisfied: int
    dissatisfied: int
    invalid: int = 0
    group: str = "deputies_and_residents"

    @property
    def counts(self) -> tuple[int, int, int, int]:
        return self.satisfied, self.mostly_satisfied, self.dissatisfied, self.invalid


@dataclass(frozen=True)
class Finding:
    """What was found about one issue at a look-back or an evaluation meeting."""

    meeting: str
    """key of the meeting"""
    state_found: str
    deputies_opinion: str
    residents_opinion: str
    verdict: str
    """struck_off, keep_tracking, handle_again, escalate"""
    commitment: int | None = None
    new_due_on: date | None = None
    evidence: tuple[str, ...] = ()
    preliminary_evaluation: str | None = None
    """what the street committee said before deputies and voters spoke"""


@dataclass(frozen=True)
class Figure:
    label: str
    value: str
    unit: str
    as_of: date
    source: str
    qualifier: str = ""
    """余 (more than, by a little), 超 (more than), 最高 (at most), or nothing"""


@dataclass(frozen=True)
class Event:
    at: datetime
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    days_after: int
    """counted from the day of the hearing at which the issue was raised"""
    what: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Issue:
    position: int
    category: str
    street: str
    place: str
    statement: str
    exchanges: tuple[Exchange, ...]
    outcome: str
    """answered_on_site, resolved_on_site, time_limited, planned, further_study, escalate,
    convert_to_suggestion, not_accepted; empty while the hearing has not decided yet"""
    raised_by: str | None = None
    """login of the lead deputy; None when a resident spoke and no deputy has taken it up yet"""
    co_signers: tuple[str, ...] = ()
    resident: str | None = None
    """surname and community of the resident spoken for, as 陈（星河社区）, and nothing more"""
    topic: str | None = None
    lead: str | None = None
    co: tuple[str, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    answer_by: date | None = None
    """for further_study; None is printed as 未给时限"""
    ballot: Ballot | None = None
    plan: tuple[Step, ...] = ()
    trouble: str | None = None
    """key of the trouble in the stock this was written from"""


@dataclass(frozen=True)
class Hearing:
    key: str
    kind: str
    """night_hearing, look_back, evaluation_meeting, group_consultation"""
    serial_no: int | None
    """running number; None for look-backs and meetings, for drafts and for cancelled hearings"""
    station: str
    title: str
    theme: str
    starts_at: datetime
    ends_at: datetime
    status: str
    """draft, announced, in_session, concluded, filed, postponed, cancelled, discarded"""
    chair: str
    leaders: tuple[str, ...] = ()
    recorder: str | None = None
    participants: tuple[Participant, ...] = ()
    departments: tuple[str, ...] = ()
    deputies: tuple[str, ...] = ()
    topics: tuple[Topic, ...] = ()
    issues: tuple[Issue, ...] = ()
    life: tuple[Event, ...] = ()
    """drafted, announced, …, filed with everything of the night, in time order; what became of the issues
    afterwards is in their plans"""
    opened_at: datetime | None = None
    concluded_at: datetime | None = None
    last_time: str | None = None
    """上期办理情况: what became of the last hearing's items, as reported at the beginning"""
    carried: tuple[tuple[str, int], ...] = ()
    """for a look-back: the open items on its agenda, as (key of the hearing, position)"""
    minutes: str | None = None


@dataclass(frozen=True)
class Example:
    """A whole hearing with its follow-up meetings, and every event of it in time order."""

    hearing: Hearing
    meetings: tuple[Hearing, ...]
    events: tuple[Event, ...]
