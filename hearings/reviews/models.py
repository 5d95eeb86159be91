"""Looking back: what was found, whether the deputy confirms, and how the room voted."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Model, Numbered, enum_column, now
from ..files import StoredFile
from ..issues.models import (
    Assignment,
    Commitment,
    Extension,
    Issue,
    issues_of_department,
    issues_of_deputy,
    issues_of_organiser,
)
from ..people.models import User
from ..permissions import Clause, Role, scope
from ..schedule.models import Hearing, hearings_of_organiser


class Draft(Model):
    """What somebody typed on the night's screen for an issue and has not sent: by part, as it was typed."""

    __table_args__ = (UniqueConstraint("user_id", "issue_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"), index=True)
    parts: Mapped[dict[str, Any]]
    """Part → {values: field → what was typed, base: field → fingerprint of what it showed}."""
    at: Mapped[datetime] = mapped_column(default=now)


class AgendaItem(Numbered, Model):
    """An issue carried onto the list of a look-back or evaluation meeting."""

    __table_args__ = (UniqueConstraint("hearing_id", "issue_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearing.id"))
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), index=True)
    position: Mapped[int]

    hearing: Mapped[Hearing] = relationship()
    issue: Mapped[Issue] = relationship()


class Verdict(StrEnum):
    """What a look-back concludes for one item."""

    STRIKE_OFF = "strike_off"
    KEEP_TRACKING = "keep_tracking"
    HANDLE_AGAIN = "handle_again"
    ESCALATE = "escalate"


VERDICT_LABELS = {
    Verdict.STRIKE_OFF: _l("Strike off"),
    Verdict.KEEP_TRACKING: _l("Keep tracking"),
    Verdict.HANDLE_AGAIN: _l("Handle again"),
    Verdict.ESCALATE: _l("Escalate"),
}


class Finding(Numbered, Model):
    """What was found of one issue (or one of its commitments) at a look-back."""

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearing.id"), index=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), index=True)
    commitment_id: Mapped[int | None] = mapped_column(ForeignKey("commitment.id"))
    found: Mapped[str]
    deputy_opinion: Mapped[str | None]
    resident_opinion: Mapped[str | None]
    percent: Mapped[int | None]
    verdict: Mapped[Verdict] = enum_column(Verdict)
    new_due_on: Mapped[date | None]
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    hearing: Mapped[Hearing] = relationship()
    issue: Mapped[Issue] = relationship()
    commitment: Mapped[Commitment | None] = relationship()
    by: Mapped[User] = relationship()

    @property
    def conclusion(self) -> Any:
        """The verdict in words: one promise is kept, not struck off, and an issue only after its deputy's word."""
        if self.verdict != Verdict.STRIKE_OFF:
            return VERDICT_LABELS[self.verdict]
        if self.commitment_id is not None:
            return _l("Commitment kept")
        return VERDICT_LABELS[self.verdict] if self.issue.is_closed else _l("Strike off, once the deputy confirms")


class FindingFile(Numbered, Model):
    """Evidence seen at a look-back."""

    id: Mapped[int] = mapped_column(primary_key=True)
    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id"), index=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))

    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)


class ConfirmationStatus(StrEnum):
    ASKED = "asked"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WAIVED = "waived"
    WITHDRAWN = "withdrawn"
    """Overtaken before it was answered: handled again, or settled otherwise."""


class Confirmation(Numbered, Model):
    """The deputy's word that it is done; a silent or departed deputy must not block for ever."""

    __table_args__ = (
        CheckConstraint("status NOT IN ('refused', 'waived') OR reason IS NOT NULL", name="reason_given"),
        CheckConstraint("status = 'asked' OR answered_at IS NOT NULL", name="answer_has_time"),
        Index("ix_confirmation_status_due_on", "status", "due_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), index=True)
    round: Mapped[int]
    deputy_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    status: Mapped[ConfirmationStatus] = enum_column(ConfirmationStatus, default=ConfirmationStatus.ASKED)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    asked_at: Mapped[datetime] = mapped_column(default=now)
    due_on: Mapped[date]
    """Until when the deputy is asked to answer (CONFIRM_WORKDAYS); after it the organiser may waive."""
    reminded_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    reason: Mapped[str | None]

    issue: Mapped[Issue] = relationship()
    deputy: Mapped[User] = relationship(foreign_keys=[deputy_id])


class BallotVerdict(StrEnum):
    SATISFIED = "satisfied"
    MOSTLY_SATISFIED = "mostly_satisfied"
    DISSATISFIED = "dissatisfied"


BALLOT_LABELS = {
    BallotVerdict.SATISFIED: _l("Satisfied"),
    BallotVerdict.MOSTLY_SATISFIED: _l("Basically satisfied"),
    BallotVerdict.DISSATISFIED: _l("Dissatisfied"),
}


class Ballot(Numbered, Model):
    """The count of one issue's paper ballots at one meeting, with the rule that gave the verdict."""

    __table_args__ = (
        UniqueConstraint("hearing_id", "issue_id", "voters"),
        CheckConstraint(
            "satisfied >= 0 AND mostly_satisfied >= 0 AND dissatisfied >= 0 AND invalid >= 0", name="counts"
        ),
        CheckConstraint("satisfied + mostly_satisfied + dissatisfied + invalid <= issued", name="within_issued"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearing.id"))
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), index=True)
    voters: Mapped[str] = mapped_column(default="all")
    """Which box: all, deputies, residents."""
    issued: Mapped[int]
    satisfied: Mapped[int]
    mostly_satisfied: Mapped[int]
    dissatisfied: Mapped[int]
    invalid: Mapped[int]
    verdict: Mapped[BallotVerdict] = enum_column(BallotVerdict)
    rule: Mapped[dict[str, Any]]
    """{"denominator": "issued", "of": 18, "threshold": 9, "tie_passes": true}"""
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    hearing: Mapped[Hearing] = relationship()
    issue: Mapped[Issue] = relationship()


@scope("issue", Role.ORGANISER)
def _issues_on_own_agendas(user: Any) -> Clause:
    """Those on the list of a look-back the street holds."""
    if user.is_district:
        return false()
    return Issue.id.in_(_own_agendas(user))


def _own_agendas(user: Any) -> Any:
    own = select(Hearing.id).where(hearings_of_organiser(user))
    return select(AgendaItem.issue_id).where(AgendaItem.hearing_id.in_(own))


@scope("assignment", Role.ORGANISER)
def _assignments_on_own_agendas(user: Any) -> Clause:
    return false() if user.is_district else Assignment.issue_id.in_(_own_agendas(user))


@scope("commitment", Role.ORGANISER)
def _commitments_on_own_agendas(user: Any) -> Clause:
    return false() if user.is_district else Commitment.issue_id.in_(_own_agendas(user))


@scope("extension", Role.ORGANISER)
def _extensions_on_own_agendas(user: Any) -> Clause:
    mine = select(Commitment.id).where(_commitments_on_own_agendas(user))
    return false() if user.is_district else Extension.commitment_id.in_(mine)


@scope("issue", Role.DEPUTY)
def _issues_to_confirm(user: Any) -> Clause:
    return Issue.id.in_(select(Confirmation.issue_id).where(Confirmation.deputy_id == user.id))


@scope("confirmation", Role.DEPUTY, "asked")
def _confirmations_asked(user: Any) -> Clause:
    return Confirmation.deputy_id == user.id


@scope("confirmation", Role.DEPUTY)
def _confirmations_of_own_issues(user: Any) -> Clause:
    """Those of issues the deputy raised, co-signed or was ever asked about."""
    mine = select(Issue.id).where(or_(issues_of_deputy(user), _issues_to_confirm(user)))
    return Confirmation.issue_id.in_(mine)


@scope("confirmation", Role.DEPARTMENT)
def _confirmations_of_handled_issues(user: Any) -> Clause:
    return Confirmation.issue_id.in_(select(Issue.id).where(issues_of_department(user)))


@scope("confirmation", Role.ORGANISER)
def _confirmations_of_organiser(user: Any) -> Clause:
    """Of every issue the organiser has, those on the list of a look-back held by the street included."""
    mine = or_(issues_of_organiser(user), _issues_on_own_agendas(user))
    return Confirmation.issue_id.in_(select(Issue.id).where(mine))
