"""The trail in words: acts, kinds of things, and what a line notes."""

import re
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..audit import SYSTEM
from ..filters import day, moment
from ..permissions import ROLE_LABELS
from ..workflow import LABELS

THINGS: dict[str, Any] = {
    "user": _l("Person"),
    "department": _l("Department"),
    "station": _l("Station"),
    "calendar_day": _l("Working calendar"),
    "house": _l("This office"),
    "hearing": _l("Hearing"),
    "participant": _l("Seat"),
    "preparation": _l("Preparation"),
    "topic": _l("Topic"),
    "issue": _l("Issue"),
    "exchange": _l("Question or answer"),
    "assignment": _l("Assignment"),
    "commitment": _l("Commitment"),
    "extension": _l("Extension"),
    "finding": _l("Finding"),
    "confirmation": _l("Confirmation"),
    "ballot": _l("Ballot"),
    "minutes": _l("Minutes"),
    "calendar_feed": _l("Calendar address"),
    "invitation": _l("Invitation"),
    "minutes_release": _l("Public minutes"),
}

ACTS: dict[str, Any] = {
    "user.sign_in": _l("signed in"),
    "user.sign_in_failed": _l("wrong password"),
    "user.password": _l("changed the password"),
    "user.create": _l("made a person"),
    "user.amend": _l("amended a person"),
    "user.lock": _l("locked a person"),
    "user.unlock": _l("unlocked a person"),
    "user.reset": _l("gave a new first password"),
    "user.hand_over": _l("handed over open items"),
    "user.hand_over.undo": _l("took a hand-over back"),
    "department.create": _l("added a department"),
    "department.amend": _l("amended a department"),
    "department.unplan": _l("took back what was planned for a department"),
    "department.retire": _l("retired a department"),
    "department.retire.undo": _l("took the retirement back"),
    "station.create": _l("added a station"),
    "station.amend": _l("amended a station"),
    "station.retire": _l("retired a station"),
    "house.name": _l("named the office"),
    "holiday.amend": _l("changed the working calendar"),
    "holiday.remove": _l("took a day off the working calendar"),
    "audit.verify": _l("checked the trail"),
    "hearing.create": _l("drafted a hearing"),
    "hearing.amend": _l("amended a hearing"),
    "hearing.announce": _l("announced a hearing"),
    "hearing.announce.undo": _l("took the announcement back"),
    "hearing.reschedule": _l("rescheduled a hearing"),
    "hearing.postpone": _l("postponed a hearing"),
    "hearing.cancel": _l("cancelled a hearing"),
    "hearing.discard": _l("discarded a draft"),
    "hearing.open": _l("opened the session"),
    "hearing.open.undo": _l("took the opening back"),
    "hearing.reschedule.undo": _l("took the move of a hearing back"),
    "hearing.conclude": _l("concluded the session"),
    "hearing.resume": _l("resumed the session"),
    "hearing.file": _l("filed a hearing"),
    "hearing.file.undo": _l("opened the file of a hearing again"),
    "hearing.archive": _l("made an archive package"),
    "hearing.prepare": _l("handed in a preparation"),
    "hearing.ballots": _l("set the number of ballots issued"),
    "participant.add": _l("added a seat"),
    "participant.amend": _l("amended a seat"),
    "participant.remove": _l("removed a seat"),
    "participant.remove.undo": _l("put a seat back"),
    "participant.name_attendee": _l("named the attendee"),
    "participant.name_stand_in": _l("took the named stand-in onto the list"),
    "participant.name_stand_in.undo": _l("took the stand-in off again"),
    "participant.sign_in": _l("signed somebody in"),
    "participant.sign_in.undo": _l("took a sign-in back"),
    "topic.create": _l("added a topic"),
    "topic.amend": _l("amended a topic"),
    "topic.merge": _l("merged topics"),
    "topic.merge.undo": _l("took a merger back"),
    "topic.choose": _l("chose a topic for a hearing"),
    "topic.release": _l("put a topic back into the pool"),
    "topic.order": _l("ordered the topics"),
    "topic.set_aside": _l("set a topic aside"),
    "topic.take_up": _l("took a topic up again"),
    "topic.remove": _l("removed a topic"),
    "topic.remove.undo": _l("put a removed topic back"),
    "issue.log": _l("logged an issue"),
    "issue.amend": _l("amended an issue"),
    "issue.remove": _l("removed an issue"),
    "issue.remove.undo": _l("put a removed issue back"),
    "issue.order": _l("ordered the issues"),
    "issue.outcome": _l("noted the outcome on the spot"),
    "issue.assign": _l("assigned an issue"),
    "issue.accept": _l("the issue was taken on"),
    "issue.reply": _l("the issue was replied to"),
    "issue.return": _l("the issue came back"),
    "issue.explain": _l("settled an issue by explanation"),
    "issue.explain.undo": _l("took a settlement back"),
    "issue.escalate": _l("escalated an issue"),
    "issue.decline": _l("declined an issue"),
    "issue.transfer": _l("transferred an issue"),
    "issue.rework": _l("had an issue handled again"),
    "issue.strike_off": _l("struck an issue off"),
    "issue.strike_off.undo": _l("took a striking off back"),
    "issue.reopen": _l("reopened an issue"),
    "issue.round": _l("began a new round"),
    "issue.figure": _l("added an outcome figure"),
    "issue.figure.remove": _l("removed an outcome figure"),
    "issue.attach": _l("attached a file"),
    "issue.detach": _l("removed a file"),
    "issue.detach.undo": _l("put a file back"),
    "exchange.add": _l("recorded a question or answer"),
    "exchange.amend": _l("amended a question or answer"),
    "exchange.order": _l("ordered questions and answers"),
    "exchange.remove": _l("removed a question or answer"),
    "exchange.remove.undo": _l("put a question or answer back"),
    "assignment.make": _l("made an assignment"),
    "assignment.accept": _l("accepted an assignment"),
    "assignment.return": _l("returned an assignment"),
    "assignment.progress": _l("reported progress"),
    "assignment.reply": _l("replied"),
    "assignment.remind": _l("reminded the department"),
    "assignment.supervise": _l("issued a supervision order"),
    "assignment.remind.undo": _l("took the reminder back"),
    "assignment.supervise.undo": _l("took the supervision order back"),
    "assignment.supersede": _l("an assignment was superseded"),
    "commitment.make": _l("recorded a commitment"),
    "commitment.correct": _l("corrected a commitment"),
    "commitment.remove": _l("removed a commitment"),
    "commitment.remove.undo": _l("put a commitment back"),
    "commitment.report_done": _l("reported a commitment done"),
    "commitment.verify": _l("verified a commitment"),
    "commitment.verify.undo": _l("took a verification back"),
    "commitment.reject": _l("rejected a report"),
    "commitment.release": _l("released a commitment"),
    "extension.ask": _l("asked for an extension"),
    "extension.grant": _l("granted an extension"),
    "extension.refuse": _l("refused an extension"),
    "extension.withdraw": _l("needs no extension any more"),
    "look_back.plan": _l("planned a look-back"),
    "look_back.carry_in": _l("carried an issue onto a look-back"),
    "look_back.order": _l("ordered a look-back's list"),
    "look_back.drop": _l("took an issue off a look-back"),
    "look_back.drop.undo": _l("put an issue back onto a look-back"),
    "finding.record": _l("recorded a finding"),
    "confirmation.ask": _l("asked the deputy to confirm"),
    "confirmation.remind": _l("reminded the deputy"),
    "confirmation.confirm": _l("confirmed"),
    "confirmation.confirm.undo": _l("took a confirmation back"),
    "confirmation.on_the_spot": _l("confirmed on the spot"),
    "confirmation.refuse": _l("refused to confirm"),
    "confirmation.waive": _l("waived the confirmation"),
    "confirmation.withdraw": _l("took the question to the deputy back"),
    "ballot.record": _l("recorded a ballot"),
    "ballot.record.undo": _l("took a ballot back"),
    "ballot.hand_out": _l("handed out ballot papers"),
    "ballot.remove": _l("removed a ballot"),
    "ballot.remove.undo": _l("put a ballot back"),
    "issue.taken_back": _l("took an issue back to where it was"),
    "minutes.draft": _l("drafted minutes"),
    "minutes.amend": _l("edited minutes"),
    "minutes.review": _l("reviewed minutes"),
    "minutes.return": _l("returned minutes for editing"),
    "minutes.settle": _l("settled differences in minutes"),
    "minutes.publish": _l("published minutes"),
    "minutes.correct": _l("began a correction of minutes"),
    "minutes.abandon": _l("threw a correction of minutes away"),
    "minutes.abandon.undo": _l("took a correction of minutes up again"),
    "calendar.subscribe": _l("subscribed to a calendar"),
    "calendar.revoke": _l("closed the address of a calendar"),
    "invitation.answer": _l("answered an invitation"),
    "invitation.answer.undo": _l("took a noted answer back"),
    "invitation.ask": _l("had those invited who had not been asked"),
    "invitation.remind": _l("asked again for answers"),
    "invitation.settle": _l("looked at a doubtful answer"),
    "message.again": _l("sent a message again"),
    "setting.try_mail": _l("tried out the mail"),
    "calendar.alarms": _l("switched the alarms of a calendar"),
    "calendar.hide_invited": _l("chose whether a calendar leaves out what came by mail"),
    "minutes.release": _l("released minutes to the public"),
    "minutes.withdraw": _l("withdrew public minutes"),
    "hearing.resume.undo": _l("took the resumption back"),
    "commitment.progress": _l("noted progress of a commitment"),
}

_KEYS: dict[str, Any] = {
    "before": _l("before"),
    "reason": _l("reason"),
    "note": _l("note"),
    "fields": _l("fields"),
    "roles": _l("roles"),
    "name": _l("name"),
    "on": _l("day"),
    "successor": _l("successor"),
    "departments": _l("departments"),
    "department": _l("department"),
    "deputy": _l("deputy"),
    "due_on": _l("due"),
    "new_due_on": _l("new date"),
    "result_class": _l("class"),
    "percent": _l("percent"),
    "round": _l("round"),
    "verdict": _l("verdict"),
    "outcome": _l("outcome"),
    "part": _l("part"),
    "came": _l("attendance"),
    "serial_no": _l("running number"),
    "hearing": _l("hearing no."),
    "into": _l("into topic"),
    "basis": _l("basis"),
    "to": _l("to"),
    "label": _l("figure"),
    "value": _l("value"),
    "unit": _l("unit"),
    "as_of": _l("as of"),
    "file": _l("file fingerprint"),
    "by_silence": _l("by silence"),
    "day": _l("day"),
    "days": _l("days"),
    "is_workday": _l("worked"),
    "items": _l("items"),
    "from": _l("from"),
    "version": _l("version"),
    "sha256": _l("fingerprint"),
    "pdf": _l("fingerprint"),
    "docx": _l("fingerprint of the Word file"),
    "code": _l("code"),
    "blackened": _l("blackened"),
    "kept": _l("kept"),
    "content": _l("fingerprint of the content"),
    "issued_by": _l("issued by"),
    "answer": _l("answer"),
    "by": _l("by way of"),
    "count": _l("count"),
    "kind": _l("kind"),
    "now": _l("changed to"),
    "place": _l("place"),
    "was": _l("was"),
    "on_the_spot": _l("on the spot"),
    "taken": _l("taken from the record"),
    "took": _l("taken over"),
}

PIECES: dict[str, Any] = {
    "title": _l("Title"),
    "overview": _l("Overview"),
    "situation": _l("General situation"),
    "items": _l("Questions, answers and decisions"),
    "ballot": _l("Result of the satisfaction ballot"),
    "requirements": _l("What the meeting requires"),
    "list_present": _l("Present"),
    "list_on_leave": _l("On leave"),
    "list_in_attendance": _l("In attendance"),
    "list_public_gallery": _l("Public gallery"),
    "table_handed_over": _l("Attachment: list of issues handed over"),
    "table_counted": _l("Attachment: ballot summary"),
    "cc": _l("Copies to"),
    "facts": _l("Head: number, mark and offices"),
}
"""What the pieces of minutes are called that every paper has (`minutes.content.pieces`)."""

_FIELDS: dict[str, Any] = {
    "name": _l("Name"),
    "username": _l("Login name"),
    "title": _l("Title"),
    "email": _l("E-mail"),
    "roles": _l("Roles"),
    "department": _l("Department"),
    "stations": _l("Stations"),
    "protocol_order": _l("Protocol order"),
    "short_name": _l("Short name"),
    "kind": _l("Kind"),
    "street": _l("Street"),
    "head": _l("Head"),
    "contact": _l("Contact"),
    "contact_phone": _l("Office telephone"),
    "feed_is_public": _l("Calendar for everybody"),
    "position": _l("Order on lists"),
    "valid_until": _l("Last day"),
    "code": _l("Code"),
    "address": _l("Address"),
    "capacity": _l("Capacity"),
    "theme": _l("Theme"),
    "station": _l("Station"),
    "chair": _l("Chair"),
    "starts_at": _l("Begins"),
    "ends_at": _l("Ends"),
    "statement": _l("Statement"),
    "category": _l("Category"),
    "place": _l("Place"),
    "lead_deputy": _l("Lead deputy"),
    "cosigners": _l("Co-signers"),
    "resident": _l("Resident"),
    "community": _l("Community"),
    "outcome": _l("Outcome on the spot"),
    "outcome_note": _l("Note on the outcome"),
    "topic": _l("Topic"),
    "measure": _l("Measure"),
    "lead": _l("Lead department"),
    "co_handlers": _l("Co-handling departments"),
    "due_on": _l("Due"),
    "due_basis": _l("Basis of the date"),
    "speaker": _l("Speaker"),
    "text": _l("Text"),
    "details": _l("Details"),
    "source": _l("Source"),
    "departments": _l("Departments to answer"),
    "unit": _l("Unit"),
    "listed": _l("List"),
    "seats": _l("Seats"),
    "reason": _l("Reason"),
    "stand_in_name": _l("Stand-in"),
    "stand_in_title": _l("Stand-in's title"),
    **PIECES,
}

_VALUES: dict[str, Any] = {
    "lead": _l("Lead"),
    "co_handler": _l("Co-handling"),
    "split": _l("Split"),
    "strike_off": _l("Strike off"),
    "keep_tracking": _l("Keep tracking"),
    "handle_again": _l("Handle again"),
    "escalate": _l("Escalated for coordination"),
    "satisfied": _l("Satisfied"),
    "mostly_satisfied": _l("Basically satisfied"),
    "dissatisfied": _l("Dissatisfied"),
    "unknown": _l("Not registered"),
    "signed_in": _l("Signed in"),
    "on_leave": _l("On leave"),
    "absent": _l("Absent"),
    "answered_on_site": _l("Answered on the spot"),
    "resolved_on_site": _l("Resolved on the spot"),
    "time_limited": _l("To be handled by a deadline"),
    "planned": _l("Taken into plan"),
    "further_study": _l("Further study after the hearing"),
    "convert_to_suggestion": _l("Turned into a suggestion"),
    "not_accepted": _l("Not accepted, referred"),
    "personal": _l("one's own"),
    "department": _l("Department"),
    "station": _l("Station"),
    "district": _l("the whole district"),
    "accepted": _l("Comes"),
    "tentative": _l("Perhaps"),
    "declined": _l("Does not come"),
    "link": _l("link in the mail"),
    "mail": _l("mail"),
    "organiser": _l("Organiser"),
}

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+\d\d:\d\d|Z)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PIECE = re.compile(r"issue_\d+(_title)?")
"""An item of minutes, or its heading, as the trail names it."""


def act(action: str) -> Any:
    """An act in words. Taking back (`….undo`) has words of its own, or says what was taken back."""
    known = ACTS.get(action)
    if known is None and action.endswith(".undo"):
        return _("took back: %(act)s", act=act(action.removesuffix(".undo")))
    return known or _("changed something")


def thing(subject_type: str) -> Any:
    """A kind of thing in words."""
    return THINGS.get(subject_type, subject_type)


def _value(key: str, value: Any, subject_type: str) -> str:
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, list):
        return str(_(", ")).join(_value(key, v, subject_type) for v in value)
    if isinstance(value, dict):
        return str(_(", ")).join(f"{_FIELDS.get(k, k)} {_value(k, v, subject_type)}" for k, v in value.items())
    words = str(value)
    if _MOMENT.fullmatch(words):
        return moment(datetime.fromisoformat(words))
    if _DAY.fullmatch(words):
        return day(date.fromisoformat(words))
    if key in ("fields", "taken", "kept") and (piece := _PIECE.fullmatch(words)):
        return str(_("heading of an issue") if piece[1] else _("text of an issue"))
    if key in ("fields", "taken", "kept"):
        return str(_FIELDS.get(words, words))
    if key == "roles":
        return str(next((label for role, label in ROLE_LABELS.items() if role == words), words))
    if key == "before":
        return str(LABELS.get(subject_type, {}).get(words, words))
    return str(_VALUES.get(words, words))


def notes(line: Any) -> list[tuple[str, str]]:
    """What a line of the trail notes, as (word, value) pairs; the status after the act comes first."""
    pairs = []
    if line.status:
        known = LABELS.get(line.subject_type, {})
        pairs.append((str(_("status")), str(known.get(line.status, line.status))))
    for key, value in line.details.items():
        if value in (None, "", []):
            continue
        pairs.append((str(_KEYS.get(key, key)), _value(key, value, line.subject_type)))
    return pairs


RULE_LABELS: dict[str, Any] = {
    "REPLY_MONTHS": _l("Limit for a reply, in months"),
    "HARD_MONTHS": _l("Limit for a reply in a hard matter, in months"),
    "CO_HANDLER_DAYS": _l("Limit for a co-handler's opinion, in days"),
    "REWORK_MONTHS": _l("Limit for handling again, in months"),
    "RETURN_WORKDAYS": _l("Limit for returning an assignment, in working days"),
    "CONFIRM_WORKDAYS": _l("Limit for a deputy's confirmation, in working days"),
    "EXTENSIONS_MOST": _l("How often a commitment may be extended on request"),
    "OPEN_EARLY_HOURS": _l("Opened so many hours early, a meeting is asked about again"),
    "NOTICE_DAYS": _l("Notice before a hearing, in days"),
    "LIGHT_YELLOW_DAYS": _l("Days before the due date when the light turns yellow"),
    "VAGUE_WORDS": _l("Vague words that are warned of"),
    "RESULT_CLASSES": _l("Result classes"),
    "BALLOT_DENOMINATOR": _l("Base of a ballot"),
    "BALLOT_TIE_PASSES": _l("Exactly half counts as half"),
    "REMIND_HEARING_DAYS": _l("Reminders before a hearing, in days (0: that morning)"),
    "REMIND_LOOK_BACK_DAYS": _l("Reminders before a look-back, in days (0: that morning)"),
    "REMIND_DUE_WORKDAYS": _l("Reminders before a due date, in working days (0: the day itself, to the head)"),
    "OVERDUE_DAILY": _l("Working days of daily reminders once overdue"),
    "OVERDUE_EVERY_DAYS": _l("Days between reminders after those"),
    "OVERDUE_ORGANISER_WORKDAYS": _l("Working days overdue from which the organiser hears too"),
    "OVERDUE_LEADER_WORKDAYS": _l("Working days overdue from which the leader hears too"),
    "REMIND_CONFIRM_WORKDAYS": _l("Reminder of a waiting confirmation, every so many working days"),
    "REMIND_MINUTES_WORKDAYS": _l("Reminder of minutes not fetched, after so many working days"),
    "QUIET_FROM": _l("No reminders from"),
    "QUIET_UNTIL": _l("No reminders until"),
    "DRAFTER_MAY_REVIEW": _l("Who drafts minutes may review them"),
    "DEFAULT_START": _l("Usual beginning"),
    "DEFAULT_END": _l("Usual end"),
    "CODE_PREFIX": _l("Prefix of a hearing's number"),
    "RETENTION_PERIOD": _l("Retention period of archive packages"),
    "SINGLE_SIDED": _l("Papers are printed on one side"),
    "UNDO_MINUTES": _l("Minutes in which an act can be undone"),
    "IDLE_MINUTES": _l("Minutes without activity after which a sign-in ends"),
    "PASSWORD_MIN": _l("Least length of a password"),
    "LOGIN_FAILURES": _l("Wrong passwords after which a sign-in is closed"),
    "LOCK_MINUTES": _l("Minutes after which it opens again by itself"),
}

_DENOMINATORS = {"issued": _l("ballots issued"), "present": _l("people present"), "valid": _l("valid ballots")}
_PERIODS = {"permanent": _l("permanent"), "30y": _l("30 years"), "10y": _l("10 years")}


def rule_value(name: str, value: Any) -> str:
    """A setting's value in words."""
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, list | tuple):
        return "、".join(str(v) for v in value)
    if isinstance(value, dict):
        return "；".join(f"{k} {v}" for k, v in value.items())
    if name == "BALLOT_DENOMINATOR":
        return str(_DENOMINATORS.get(str(value), value))
    if name == "RETENTION_PERIOD":
        return str(_PERIODS.get(str(value), value))
    return str(value)


def actor_words(name: str) -> str:
    """Who acted, in the page's language: a person's name as it was then, or the system."""
    return str(_l("The system")) if name == SYSTEM else name
