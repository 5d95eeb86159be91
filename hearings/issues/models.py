"""Issues raised at a hearing, what was asked and answered, who must act, what was promised."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Model, Numbered, Published, db, enum_column, now
from ..files import StoredFile
from ..people.models import Department, User
from ..permissions import Clause, Role, scope
from ..schedule.models import Hearing, Topic, hearings_of_organiser
from ..search import Text, indexed


class Outcome(StrEnum):
    """What was decided on the spot: the closed list of domain.md §1.6."""

    ANSWERED_ON_SITE = "answered_on_site"
    RESOLVED_ON_SITE = "resolved_on_site"
    TIME_LIMITED = "time_limited"
    PLANNED = "planned"
    FURTHER_STUDY = "further_study"
    ESCALATE = "escalate"
    CONVERT_TO_SUGGESTION = "convert_to_suggestion"
    NOT_ACCEPTED = "not_accepted"


SETTLED_ON_SITE = (Outcome.ANSWERED_ON_SITE, Outcome.RESOLVED_ON_SITE)
"""With these the issue may be closed at once, if its deputy agrees; nothing is assigned."""

OUTCOME_LABELS = {
    Outcome.ANSWERED_ON_SITE: _l("Answered on the spot"),
    Outcome.RESOLVED_ON_SITE: _l("Resolved on the spot"),
    Outcome.TIME_LIMITED: _l("To be handled by a deadline"),
    Outcome.PLANNED: _l("Taken into plan"),
    Outcome.FURTHER_STUDY: _l("Further study after the hearing"),
    Outcome.ESCALATE: _l("Escalated for coordination"),
    Outcome.CONVERT_TO_SUGGESTION: _l("Turned into a suggestion"),
    Outcome.NOT_ACCEPTED: _l("Not accepted, referred"),
}


class IssueStatus(StrEnum):
    REGISTERED = "registered"
    ASSIGNED = "assigned"
    IN_HANDLING = "in_handling"
    REPLIED = "replied"
    STRUCK_OFF = "struck_off"
    ANSWERED = "answered"
    NOT_ACCEPTED = "not_accepted"
    TRANSFERRED = "transferred"
    RETURNED = "returned"


CLOSED = (IssueStatus.STRUCK_OFF, IssueStatus.ANSWERED, IssueStatus.NOT_ACCEPTED, IssueStatus.TRANSFERRED)


class Category(StrEnum):
    HEALTH = "health"
    EDUCATION = "education"
    TRANSPORT = "transport"
    HOUSING = "housing"
    ENVIRONMENT = "environment"
    ELDERLY = "elderly"
    SAFETY = "safety"
    CULTURE = "culture"
    EMPLOYMENT = "employment"
    MUNICIPAL = "municipal"
    OTHER = "other"


CATEGORY_LABELS = {
    Category.HEALTH: _l("Health"),
    Category.EDUCATION: _l("Education"),
    Category.TRANSPORT: _l("Transport"),
    Category.HOUSING: _l("Housing and property"),
    Category.ENVIRONMENT: _l("Environment"),
    Category.ELDERLY: _l("Elderly care and welfare"),
    Category.SAFETY: _l("Public safety"),
    Category.CULTURE: _l("Culture and sports"),
    Category.EMPLOYMENT: _l("Employment and enterprise"),
    Category.MUNICIPAL: _l("Municipal works"),
    Category.OTHER: _l("Other"),
}

issue_cosigner = Table(
    "issue_cosigner",
    db.metadata,
    Column("issue_id", Integer, ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Integer, ForeignKey("user.id"), primary_key=True, index=True),
)


class Issue(Numbered, Model):
    """A trouble put to the departments. Its rounds: a new one each time it is handled again."""

    __table_args__ = (
        UniqueConstraint("hearing_id", "number"),
        UniqueConstraint("client_id"),
        CheckConstraint("round >= 1", name="round"),
        CheckConstraint(
            "status NOT IN ('struck_off', 'answered', 'not_accepted', 'transferred') OR closed_at IS NOT NULL",
            name="closed_has_time",
        ),
        Index("ix_issue_hearing_id_position", "hearing_id", "position"),
        Index("ix_issue_status_id", "status", "id"),  # the id: a list in its order must not walk every issue there was
        Index("ix_issue_street", "street"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearing.id"))
    number: Mapped[int]
    """Given on arrival within the hearing, never renumbered; printed as 01."""
    position: Mapped[int]
    """Order on the list; may change."""
    client_id: Mapped[str | None]
    """Made by the device that logged it, so that a repeat is not a second issue."""
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"))
    lead_deputy_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    """A resident's issue gets a deputy when it is accepted."""
    resident: Mapped[str | None]
    """Surname only, e.g. 陈; the rest stays outside until encryption comes."""
    community: Mapped[str | None]
    title: Mapped[str]
    statement: Mapped[str]
    category: Mapped[Category] = enum_column(Category, default=Category.OTHER)
    place: Mapped[str | None]
    street: Mapped[str | None]
    outcome: Mapped[Outcome | None] = enum_column(Outcome, nullable=True)
    outcome_note: Mapped[str | None]
    """Reason and referral when not accepted; with whom when escalated."""
    status: Mapped[IssueStatus] = enum_column(IssueStatus, default=IssueStatus.REGISTERED)
    round: Mapped[int] = mapped_column(default=1)
    is_late: Mapped[bool] = mapped_column(default=False)
    """Logged after the hearing had concluded (补录)."""
    written_at: Mapped[datetime] = mapped_column(default=now)
    received_at: Mapped[datetime] = mapped_column(default=now)
    logged_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    assigned_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    hearing: Mapped[Hearing] = relationship()
    topic: Mapped[Topic | None] = relationship()
    lead_deputy: Mapped[User | None] = relationship(foreign_keys=[lead_deputy_id])
    logged_by: Mapped[User] = relationship(foreign_keys=[logged_by_id])
    cosigners: Mapped[list[Any]] = relationship(User, secondary=issue_cosigner, order_by=User.protocol_order)

    @property
    def reference(self) -> str:
        """The number printed everywhere, e.g. 9-01 for an evening hearing, L12-01 for another kind."""
        serial = self.hearing.serial_no
        return f"{serial}-{self.number:02d}" if serial else f"H{self.hearing_id}-{self.number:02d}"

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED


class ExchangeKind(StrEnum):
    QUESTION = "question"
    ANSWER = "answer"
    FOLLOW_UP = "follow_up"


EXCHANGE_LABELS = {
    ExchangeKind.QUESTION: _l("Question"),
    ExchangeKind.ANSWER: _l("Answer"),
    ExchangeKind.FOLLOW_UP: _l("Follow-up question"),
}


class Exchange(Numbered, Model):
    """One turn of speech, for the minutes."""

    __table_args__ = (Index("ix_exchange_issue_id_position", "issue_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    position: Mapped[int]
    kind: Mapped[ExchangeKind] = enum_column(ExchangeKind)
    speaker: Mapped[str | None]
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    text: Mapped[str]
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    issue: Mapped[Issue] = relationship()
    department: Mapped[Department | None] = relationship()


class Part(StrEnum):
    """主办, 会办, 分办."""

    LEAD = "lead"
    CO_HANDLER = "co_handler"
    SPLIT = "split"


PART_LABELS = {Part.LEAD: _l("Lead"), Part.CO_HANDLER: _l("Co-handling"), Part.SPLIT: _l("Split")}


class AssignmentStatus(StrEnum):
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    REPLIED = "replied"
    SUPERSEDED = "superseded"


class Assignment(Numbered, Model):
    """An issue handed to a department, in one round, in one part (交办)."""

    __table_args__ = (
        UniqueConstraint("issue_id", "round", "department_id"),
        CheckConstraint("status <> 'returned' OR return_reason IS NOT NULL", name="return_has_reason"),
        Index("ix_assignment_department_id_status", "department_id", "status"),
        Index("ix_assignment_department_id_issue_id", "department_id", "issue_id"),
        Index("ix_assignment_status_due_on", "status", "due_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), index=True)
    round: Mapped[int]
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    part: Mapped[Part] = enum_column(Part)
    status: Mapped[AssignmentStatus] = enum_column(AssignmentStatus, default=AssignmentStatus.ASSIGNED)
    assigned_on: Mapped[date]
    due_on: Mapped[date]
    due_basis: Mapped[str]
    """How the date came about, as `limits` writes it, e.g. months:3:assigned."""
    requirement: Mapped[str | None]
    respond_by: Mapped[date]
    """Until when it may be returned; no answer by then counts as accepted."""
    accepted_at: Mapped[datetime | None]
    accepted_by_silence: Mapped[bool] = mapped_column(default=False)
    returned_at: Mapped[datetime | None]
    return_reason: Mapped[str | None]
    replied_at: Mapped[datetime | None]

    issue: Mapped[Issue] = relationship()
    department: Mapped[Department] = relationship()


class Progress(Model):
    """A line of progress on an assignment or one of its commitments."""

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    commitment_id: Mapped[int | None] = mapped_column(ForeignKey("commitment.id"), index=True)
    percent: Mapped[int | None]
    text: Mapped[str]
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    assignment: Mapped[Assignment] = relationship()
    by: Mapped[User] = relationship()


class ResultClass(StrEnum):
    """办理结果类别; what the letters mean is a setting (RESULT_CLASSES)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Reply(Model):
    """A department's answer after handling. B and C are answered again."""

    __table_args__ = (Index("ix_reply_issue_id_at", "issue_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), index=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"))
    round: Mapped[int]
    result_class: Mapped[ResultClass] = enum_column(ResultClass)
    text: Mapped[str]
    next_step: Mapped[str | None]
    signed_by: Mapped[str]
    contact: Mapped[str | None]
    met_deputy: Mapped[bool] = mapped_column(default=False)
    """A face-to-face talk with the deputy took place (面商)."""
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    assignment: Mapped[Assignment] = relationship()
    issue: Mapped[Issue] = relationship()


class CommitmentStatus(StrEnum):
    OPEN = "open"
    REPORTED = "reported"
    KEPT = "kept"
    RELEASED = "released"


commitment_co_handler = Table(
    "commitment_co_handler",
    db.metadata,
    Column("commitment_id", Integer, ForeignKey("commitment.id", ondelete="CASCADE"), primary_key=True),
    Column("department_id", Integer, ForeignKey("department.id"), primary_key=True, index=True),
)


class Commitment(Numbered, Published, Model):
    """Measure + department + date, or it is no commitment (承诺事项)."""

    __table_args__ = (
        Index("ix_commitment_issue_id_position", "issue_id", "position"),
        Index("ix_commitment_lead_id_status_due_on", "lead_id", "status", "due_on"),
        Index("ix_commitment_status_due_on", "status", "due_on"),
        CheckConstraint("status NOT IN ('kept', 'released') OR closed_at IS NOT NULL", name="closed_has_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"))
    round: Mapped[int] = mapped_column(default=1)
    position: Mapped[int]
    lead_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    measure: Mapped[str]
    due_on: Mapped[date]
    due_basis: Mapped[str | None]
    """When computed: how, as `limits` writes it, e.g. workdays:10:2021-03-25."""
    vague_words: Mapped[str | None]
    """The vague words the recorder was warned of and kept, separated by 、."""
    status: Mapped[CommitmentStatus] = enum_column(CommitmentStatus, default=CommitmentStatus.OPEN)
    percent: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime] = mapped_column(default=now)
    reported_at: Mapped[datetime | None]
    report: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    corrected: Mapped[list[Any] | None]
    """Recording errors mended before acceptance: [{at, measure, due_on, lead}] as they stood before."""

    issue: Mapped[Issue] = relationship()
    lead: Mapped[Department] = relationship()
    co_handlers: Mapped[list[Any]] = relationship(
        Department, secondary=commitment_co_handler, order_by=Department.position
    )


class ExtensionStatus(StrEnum):
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """Overtaken before it was decided: reported done, released, or moved by a finding."""


class Extension(Numbered, Model):
    """A date that moved, or was asked to; no date is ever overwritten silently."""

    __table_args__ = (Index("ix_extension_status", "status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    commitment_id: Mapped[int] = mapped_column(ForeignKey("commitment.id"), index=True)
    old_due_on: Mapped[date]
    new_due_on: Mapped[date]
    reason: Mapped[str]
    status: Mapped[ExtensionStatus] = enum_column(ExtensionStatus, default=ExtensionStatus.ASKED)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str | None]
    directed: Mapped[bool] = mapped_column(default=False)
    """A finding set the date; the department had not asked."""

    commitment: Mapped[Commitment] = relationship()
    asked_by: Mapped[User] = relationship(foreign_keys=[asked_by_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])


class OutcomeFigure(Numbered, Model):
    """A number that says what came of it; may be added after striking off."""

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), index=True)
    label: Mapped[str]
    value: Mapped[str]
    unit: Mapped[str | None]
    as_of: Mapped[date]
    source: Mapped[str | None]

    issue: Mapped[Issue] = relationship()


class IssueFile(Numbered, Model):
    """A photo or paper of an issue, a commitment's evidence, a reply's attachment, or what shows progress."""

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), index=True)
    commitment_id: Mapped[int | None] = mapped_column(ForeignKey("commitment.id"), index=True)
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("reply.id"), index=True)
    progress_id: Mapped[int | None] = mapped_column(ForeignKey("progress.id"), index=True)
    """Of a line on one promise: the promise too, so that whoever may read the promise sees it."""
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    caption: Mapped[str | None]

    issue: Mapped[Issue] = relationship()
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)


# -- who sees what -------------------------------------------------------------------------------------


@scope("issue", Role.ORGANISER)
def issues_of_organiser(user: Any) -> Clause:
    """All; of a street's organiser: those of hearings at own stations, and those of the own street."""
    if user.is_district:
        return true()
    return or_(
        Issue.hearing_id.in_(select(Hearing.id).where(hearings_of_organiser(user))),
        Issue.street.in_(user.streets),
    )


@scope("issue", Role.DEPUTY)
def issues_of_deputy(user: Any) -> Clause:
    """Those raised or co-signed (reviews adds those asked to confirm)."""
    return or_(
        Issue.lead_deputy_id == user.id,
        Issue.logged_by_id == user.id,
        Issue.id.in_(select(issue_cosigner.c.issue_id).where(issue_cosigner.c.user_id == user.id)),
    )


@scope("issue", Role.DEPUTY, "raised")
def _issues_raised(user: Any) -> Clause:
    return or_(Issue.lead_deputy_id == user.id, Issue.logged_by_id == user.id)


@scope("issue", Role.DEPARTMENT)
def issues_of_department(user: Any) -> Clause:
    """Those assigned to the office in any part and round."""
    return Issue.id.in_(select(Assignment.issue_id).where(Assignment.department_id.in_(user.department_ids)))


@scope("assignment", Role.ORGANISER)
def _assignments_of_organiser(user: Any) -> Clause:
    return _of_organisers_issue(user, Assignment)


@scope("assignment", Role.DEPUTY)
def _assignments_of_deputy(user: Any) -> Clause:
    return _through_issue(Assignment, issues_of_deputy(user))


@scope("assignment", Role.DEPARTMENT)
def _assignments_of_department(user: Any) -> Clause:
    return Assignment.department_id.in_(user.department_ids)


@scope("commitment", Role.ORGANISER)
def _commitments_of_organiser(user: Any) -> Clause:
    return _of_organisers_issue(user, Commitment)


@scope("commitment", Role.DEPUTY)
def _commitments_of_deputy(user: Any) -> Clause:
    return _through_issue(Commitment, issues_of_deputy(user))


@scope("commitment", Role.DEPARTMENT)
def commitments_of_department(user: Any) -> Clause:
    """Those the office leads or co-handles, and those of issues assigned to it."""
    mine = user.department_ids
    helping = select(commitment_co_handler.c.commitment_id).where(commitment_co_handler.c.department_id.in_(mine))
    assigned = select(Assignment.id).where(
        Assignment.issue_id == Commitment.issue_id, Assignment.department_id.in_(mine)
    )
    return or_(Commitment.lead_id.in_(mine), Commitment.id.in_(helping), assigned.correlate(Commitment).exists())


@scope("commitment", Role.DEPARTMENT, "lead")
def _commitments_led(user: Any) -> Clause:
    return Commitment.lead_id.in_(user.department_ids)


@scope("extension", Role.ORGANISER)
def _extensions_of_organiser(user: Any) -> Clause:
    return Extension.commitment_id.in_(select(Commitment.id).where(_commitments_of_organiser(user)))


def _through_issue(model: Any, clause: Clause) -> Clause:
    """Rows of issues that fit the clause."""
    return model.issue_id.in_(select(Issue.id).where(clause))


def _of_organisers_issue(user: Any, model: Any) -> Clause:
    """Rows of issues in the organiser's scope. A street has half of all issues: asked row by row, that a page

    of fifty stops early, not by a set of all their ids.
    """
    if user.is_district:
        return true()
    return select(Issue.id).where(Issue.id == model.issue_id, issues_of_organiser(user)).correlate(model).exists()


# -- what is searchable --------------------------------------------------------------------------------


@indexed(Issue)
def _(issue: Issue) -> Text:
    words = [f"{issue.number:02d}", issue.title, issue.statement, issue.place, issue.street]
    return Text("issue", "　".join(w for w in words if w), hearing_id=issue.hearing_id, issue_id=issue.id)


@indexed(Exchange)
def _(exchange: Exchange) -> Text:
    return Text("exchange", exchange.text, issue_id=exchange.issue_id)


@indexed(Commitment)
def _(commitment: Commitment) -> Text:
    return Text("commitment", commitment.measure, issue_id=commitment.issue_id)


@indexed(Reply)
def _(reply: Reply) -> Text:
    return Text("reply", reply.text, issue_id=reply.issue_id)
