"""What this room tells on an issue's page: findings, confirmations and ballots, and the buttons that go with them."""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from .. import workflow
from ..db import db
from ..filters import day as day_words
from ..filters import full_day
from ..issues.models import Issue, IssueStatus
from ..people.models import User
from ..permissions import Role, allowed, may, scoped
from ..schedule.models import KIND_LABELS, Hearing
from .models import (
    BALLOT_LABELS,
    Ballot,
    BallotVerdict,
    Confirmation,
    ConfirmationStatus,
    Finding,
    Verdict,
)
from .queries import _name_only, confirmation_states, evidence_of, rule_words

FINDING_TONES = {
    Verdict.STRIKE_OFF: "green",
    Verdict.KEEP_TRACKING: "blue",
    Verdict.HANDLE_AGAIN: "lamp",
    Verdict.ESCALATE: "lamp",
}
BALLOT_TONES = {
    BallotVerdict.SATISFIED: "green",
    BallotVerdict.MOSTLY_SATISFIED: "blue",
    BallotVerdict.DISSATISFIED: "lamp",
}


def file_cards(links: list[Any], path: str = "/findings/files") -> list[dict[str, Any]]:
    """Evidence as `ui.file_list` takes it."""
    return [
        {
            "url": f"{path}/{link.id}",
            "name": link.file.name,
            "size": link.file.size,
            "thumb_url": f"{path}/{link.id}?thumb=1" if link.file.is_image else None,
        }
        for link in links
    ]


def counts_in_words(ballot: Ballot) -> str:
    """16 / 2 / 0 / 0 in words."""
    return _(
        "satisfied %(satisfied)d, basically %(mostly)d, dissatisfied %(dissatisfied)d, invalid %(invalid)d; "
        "%(issued)d handed out",
        satisfied=ballot.satisfied,
        mostly=ballot.mostly_satisfied,
        dissatisfied=ballot.dissatisfied,
        invalid=ballot.invalid,
        issued=ballot.issued,
    )


def meeting_words(hearing: Hearing) -> str:
    """A meeting as one line: its kind and day."""
    return f"{KIND_LABELS[hearing.kind]} {full_day(hearing.starts_at)}"


def finding_rows(finding: Finding) -> list[tuple[Any, Any]]:
    """A finding's facts as (word, value)."""
    rows: list[tuple[Any, Any]] = []
    if finding.commitment is not None:
        rows.append((_("Commitment"), finding.commitment.measure))
    if finding.percent is not None:
        rows.append((_("Done so far"), f"{finding.percent}%"))
    if finding.deputy_opinion:
        rows.append((_("Deputies' opinion"), finding.deputy_opinion))
    if finding.resident_opinion:
        rows.append((_("Residents' opinion"), finding.resident_opinion))
    rows.append((_("Conclusion"), finding.conclusion))
    if finding.new_due_on is not None:
        rows.append((_("New date"), day_words(finding.new_due_on)))
    return rows


def parts(issue: Issue, user: User) -> list[dict[str, Any]]:
    """Findings, confirmations and ballots as events of the issue's story, for this reader. Four statements."""
    events: list[dict[str, Any]] = []
    findings = db.session.execute(
        select(Finding, scoped("hearing.read", user, Hearing).label("opens"))
        .join(Hearing, Hearing.id == Finding.hearing_id)
        .where(Finding.issue_id == issue.id)
        .options(
            joinedload(Finding.hearing).lazyload(Hearing.station),
            joinedload(Finding.by).options(*_name_only()),
            joinedload(Finding.commitment),
        )
        .order_by(Finding.id)
    ).all()
    kept = evidence_of(finding.id for finding, _opens in findings)
    for finding, opens in findings:
        events.append(
            {
                "at": finding.at,
                "label": _("Looked back: %(verdict)s", verdict=finding.conclusion),
                "text": finding.found,
                "who": meeting_words(finding.hearing),
                "tone": FINDING_TONES[finding.verdict],
                "url": f"/look-backs/{finding.hearing_id}" if opens else None,
                "rows": finding_rows(finding),
                "files": file_cards(kept[finding.id]),
            }
        )
    for asked in db.session.scalars(
        select(Confirmation)
        .where(Confirmation.issue_id == issue.id)
        .options(joinedload(Confirmation.deputy).options(*_name_only()))
        .order_by(Confirmation.id)
    ):
        events += confirmation_events(asked)
    for ballot in db.session.scalars(
        select(Ballot)
        .where(Ballot.issue_id == issue.id)
        .options(joinedload(Ballot.hearing).lazyload(Hearing.station))
        .order_by(Ballot.at)
    ):
        events.append(
            {
                "at": ballot.at,
                "label": _("Ballot: %(verdict)s", verdict=BALLOT_LABELS[ballot.verdict]),
                "text": counts_in_words(ballot) + "\n" + rule_words(ballot),
                "who": meeting_words(ballot.hearing),
                "tone": BALLOT_TONES[ballot.verdict],
            }
        )
    return events


def confirmation_events(asked: Confirmation) -> list[dict[str, Any]]:
    """Asked, reminded, answered."""
    url = f"/confirmations/{asked.id}"
    on_the_spot = asked.answered_at == asked.asked_at
    events: list[dict[str, Any]] = []
    if not on_the_spot:
        events.append(
            {
                "at": asked.asked_at,
                "label": _("Asked to confirm"),
                "text": _("Answer asked for until %(day)s.", day=day_words(asked.due_on)),
                "who": asked.deputy.name,
                "tone": "blue",
                "url": url,
            }
        )
    if asked.reminded_at is not None:
        events.append(
            {"at": asked.reminded_at, "label": _("Reminded"), "who": asked.deputy.name, "tone": "blue", "url": url}
        )
    if asked.answered_at is None:
        return events
    label, tone = {
        ConfirmationStatus.CONFIRMED: (
            _("Confirmed on the spot") if on_the_spot else _("Confirmed by the deputy"),
            "green",
        ),
        ConfirmationStatus.REFUSED: (_("Refused by the deputy"), "lamp"),
        ConfirmationStatus.WAIVED: (_("Confirmation waived"), "lamp"),
        ConfirmationStatus.WITHDRAWN: (_("The deputy is no longer asked"), "grey"),
    }[asked.status]
    events.append(
        {
            "at": asked.answered_at,
            "label": label,
            "text": asked.reason,
            "who": asked.deputy.name,
            "tone": tone,
            "url": url,
        }
    )
    return events


def buttons(issue: Issue, user: User) -> list[dict[str, Any]]:
    """What this room lets the person do about the issue now; at most two statements."""
    if issue.is_closed or not (may(user, "confirmation.ask") or Role.DEPUTY in user.role_set):
        return []
    made: list[dict[str, Any]] = []
    asked = confirmation_states([issue.id]).get(issue.id)
    waiting = asked is not None and asked.status == ConfirmationStatus.ASKED
    if waiting and asked is not None and asked.deputy_id == user.id:
        made.append({"url": f"/confirmations/{asked.id}", "label": _("Confirm or refuse"), "primary": True})
    if not allowed(user, issue, ["confirmation.ask"]):
        return made
    if waiting and asked is not None:
        made.append({"url": f"/confirmations/{asked.id}", "label": _("See the confirmation")})
    elif issue.status == IssueStatus.REPLIED and (asked is None or asked.status == ConfirmationStatus.REFUSED):
        if issue.lead_deputy_id is None:
            made.append({"why": _("Choose the deputy who will confirm it first.")})
        else:
            made.append(
                {
                    "url": f"/issues/{issue.id}/ask-confirmation",
                    "label": _("Ask the deputy to confirm"),
                    "primary": True,
                }
            )
    return made


def why_not_struck_off(issue: Issue) -> str | None:
    """Why the issue cannot be struck off now, in words."""
    broken = workflow.refusal(issue, "strike_off")
    return str(broken.message) if broken is not None else None
