"""The guide: one page a role, in steps, in the order of the work. The names of buttons are the buttons' own words."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask_babel import lazy_gettext as _l

from ..permissions import ROLE_LABELS, Role, signed_in
from ..web import me


@dataclass(frozen=True)
class Step:
    """One step: a sentence; `says` are the words on the buttons it speaks of (%(a)s, %(b)s …); where it is done."""

    text: Any
    says: tuple[Any, ...] = ()
    url: str | None = None
    link: Any = None

    @property
    def words(self) -> str:
        """The sentence with the buttons' words in it."""
        return str(self.text) % dict(zip("abcd", map(str, self.says), strict=False)) if self.says else str(self.text)


@dataclass(frozen=True)
class Part:
    """A stretch of the work."""

    title: Any
    steps: tuple[Step, ...]


_NOTES = Part(
    _l("For everybody"),
    (
        Step(
            _l("“%(a)s” shows what waits for you, the most urgent first; each line leads to its page."),
            (_l("To do"),),
            "/",
            _l("To do"),
        ),
        Step(
            _l("What was just done can be taken back for a while: look for “%(a)s” at the head of the page."),
            (_l("Undo"),),
        ),
        Step(
            _l("Hearings and due dates come into the calendar of your phone or computer: “%(a)s”."),
            (_l("Get an address"),),
            "/calendar/",
            _l("My calendar"),
        ),
        Step(
            _l("Messages stand under “%(a)s”; the search finds hearings, issues and promises by two characters."),
            (_l("Messages"),),
            "/inbox/",
            _l("Messages"),
        ),
        Step(
            _l("A lost password is replaced by your administrator; you then choose your own at the next sign-in."),
        ),
        Step(_l("Nothing secret may be written into this system.")),
    ),
)

GUIDES: dict[Role, tuple[Part, ...]] = {
    Role.ORGANISER: (
        Part(
            _l("Before the hearing"),
            (
                Step(
                    _l("Collect topics all year round; merge what is the same, and choose the departments to answer."),
                    (),
                    "/topics/",
                    _l("Topics"),
                ),
                Step(
                    _l(
                        "Plan the evening. “%(a)s” shows clashes, holidays and too short a notice "
                        "before anything is kept."
                    ),
                    (_l("Check the evening first"),),
                    "/hearings/new",
                    _l("Plan a hearing"),
                ),
                Step(
                    _l(
                        "On the hearing's page take topics onto the list and invite people and "
                        "departments: “%(a)s”, “%(b)s”."
                    ),
                    (_l("Choose topics"), _l("Invite from the directory")),
                    "/hearings/",
                    _l("Hearings"),
                ),
                Step(
                    _l("“%(a)s” gives the number and tells everybody who is invited. Before that nobody hears of it."),
                    (_l("Announce"),),
                ),
                Step(
                    _l(
                        "Departments name who comes and hand in what they prepared; who only "
                        "telephones is entered by you."
                    ),
                ),
                Step(
                    _l("Print the sign-in sheet, name cards and the issue list from “%(a)s” on the hearing's page."),
                    (_l("All papers"),),
                ),
            ),
        ),
        Part(
            _l("On the night"),
            (
                Step(_l("Press “%(a)s” on the hearing's page when it begins."), (_l("Open the session"),)),
                Step(
                    _l("Register who came under “%(a)s”: signed in, leave, absent, stand-in, walk-in."),
                    (_l("Who is here"),),
                ),
                Step(_l("Begin with “%(a)s”."), (_l("What became of last time's items"),)),
                Step(
                    _l(
                        "“%(a)s” logs what is asked; write question and answer, and the outcome on "
                        "the spot. It saves by itself."
                    ),
                    (_l("New issue"),),
                ),
                Step(
                    _l(
                        "A promise has a measure, a department and a date: “%(a)s”. Vague words are "
                        "pointed out, not forbidden."
                    ),
                    (_l("Add the commitment"),),
                ),
                Step(_l("Enter the ballots as counted on paper: “%(a)s”."), (_l("Count all ballots"),)),
                Step(
                    _l("Press “%(a)s” at the end; what is missing can still be entered and is marked as a late entry."),
                    (_l("Conclude the session"),),
                ),
            ),
        ),
        Part(
            _l("After the hearing"),
            (
                Step(
                    _l("Hand each issue to its departments: “%(a)s” on its page."),
                    (_l("Assign"),),
                    "/issues/",
                    _l("Issues"),
                ),
                Step(
                    _l(
                        "Minutes: “%(a)s”, edit, have a colleague review them, then “%(b)s”. "
                        "Published minutes never change."
                    ),
                    (_l("Compose from the record"), _l("Publish")),
                ),
                Step(
                    _l("Watch the due dates; “%(a)s” and “%(b)s” are on the page of what is late."),
                    (_l("Remind"), _l("Supervise")),
                    "/commitments/",
                    _l("Commitments"),
                ),
                Step(
                    _l("Gather what is not solved into a look-back: “%(a)s”."),
                    (_l("Plan a look-back"),),
                    "/look-backs/",
                    _l("Look-backs"),
                ),
                Step(
                    _l(
                        "At the look-back record a finding for each item; the deputy is asked, then “%(a)s” is offered."
                    ),
                    (_l("Strike off"),),
                    "/confirmations/",
                    _l("Confirmations"),
                ),
                Step(_l("Figures and the register, for the report:"), (), "/ledger/", _l("Figures")),
            ),
        ),
    ),
    Role.DEPUTY: (
        Part(
            _l("Before and on the evening"),
            (
                Step(
                    _l("Hand in a topic when you have one; the organiser puts it on a list."),
                    (),
                    "/topics/new",
                    _l("Collect a topic"),
                ),
                Step(
                    _l("You read of a hearing under “%(a)s” and by mail; answer whether you come."),
                    (_l("Messages"),),
                    "/hearings/",
                    _l("Hearings"),
                ),
                Step(
                    _l(
                        "During the hearing you may log an issue yourself, with a photo: “%(a)s” on the hearing's page."
                    ),
                    (_l("Log an issue"),),
                ),
            ),
        ),
        Part(
            _l("Afterwards"),
            (
                Step(
                    _l("Follow what became of it: who answered, what was promised, by when."),
                    (),
                    "/issues/",
                    _l("Issues"),
                ),
                Step(
                    _l("When it is reported done you are asked: “%(a)s”, or “%(b)s” and say what."),
                    (_l("Yes, it is done"), _l("No, something is missing")),
                    "/confirmations/",
                    _l("Confirmations"),
                ),
            ),
        ),
    ),
    Role.DEPARTMENT: (
        Part(
            _l("Before the hearing"),
            (
                Step(
                    _l(
                        "See which topics are addressed to you, say who comes and who stands in, "
                        "hand in what you prepared."
                    ),
                    (),
                    "/hearings/",
                    _l("Hearings"),
                ),
            ),
        ),
        Part(
            _l("After the hearing"),
            (
                Step(
                    _l(
                        "“%(a)s” each assignment, or “%(b)s” it with a reason within the limit; "
                        "silence counts as accepted."
                    ),
                    (_l("Accept"), _l("Return")),
                    "/issues/",
                    _l("Issues"),
                ),
                Step(_l("“%(a)s” while you work; a photo says more than a sentence."), (_l("Report progress"),)),
                Step(
                    _l("“%(a)s” with the result class; the co-handling departments tell the lead first."),
                    (_l("Reply"),),
                ),
                Step(
                    _l("What was promised: “%(a)s” with evidence, or “%(b)s” before the date, not after."),
                    (_l("Report done"), _l("Ask for an extension")),
                    "/commitments/",
                    _l("Commitments"),
                ),
                Step(
                    _l("Come to the look-back; until the item is struck off it stays yours."),
                    (),
                    "/look-backs/",
                    _l("Look-backs"),
                ),
            ),
        ),
    ),
    Role.LEADER: (
        Part(
            _l("What you see"),
            (
                Step(_l("The state of all hearings, at the head of “%(a)s”."), (_l("To do"),), "/", _l("To do")),
                Step(
                    _l("Each hearing with its lists, issues and published minutes."), (), "/hearings/", _l("Hearings")
                ),
                Step(
                    _l("What is late, and whose it is: sort out the red ones."),
                    (),
                    "/commitments/?light=red",
                    _l("Commitments"),
                ),
                Step(_l("Rates, each with what was counted and as of which day."), (), "/ledger/", _l("Figures")),
                Step(_l("You read everything and change nothing; what you want changed you tell the organiser.")),
            ),
        ),
    ),
    Role.AUDITOR: (
        Part(
            _l("What you see"),
            (
                Step(
                    _l("Every act: who, what, when, from where; narrowed by person, act and day."),
                    (),
                    "/audit/",
                    _l("Trail"),
                ),
                Step(
                    _l("Whether a line was changed or removed: the check walks the whole chain."),
                    (),
                    "/audit/?check=1",
                    _l("Check the chain"),
                ),
                Step(
                    _l("All records, read only; the archive package of a hearing is on its page."),
                    (),
                    "/hearings/",
                    _l("Hearings"),
                ),
                Step(
                    _l("A paper that somebody shows you is checked by its code or its file."),
                    (),
                    "/verify",
                    _l("Check a paper"),
                ),
            ),
        ),
    ),
    Role.ADMIN: (
        Part(
            _l("When the office begins"),
            (
                Step(_l("Say what the office is called."), (), "/settings/office", _l("Settings")),
                Step(
                    _l("Departments, one by one or from a spreadsheet."), (), "/departments/import", _l("Departments")
                ),
                Step(_l("Liaison stations likewise."), (), "/stations/import", _l("Stations")),
                Step(
                    _l("People likewise, with roles; every row is shown before it is kept."),
                    (),
                    "/people/import",
                    _l("People"),
                ),
                Step(
                    _l("Print slips with first passwords, cut them apart, hand them out."),
                    (),
                    "/people/slips",
                    _l("Slips with first passwords"),
                ),
            ),
        ),
        Part(
            _l("Later"),
            (
                Step(
                    _l("A forgotten password: the person's page, “%(a)s”."),
                    (_l("New first password"),),
                    "/people/",
                    _l("People"),
                ),
                Step(
                    _l("Somebody leaves: “%(a)s”, then hand over what is open in one step."),
                    (_l("Lock"),),
                    "/people/",
                    _l("People"),
                ),
                Step(
                    _l("An office is renamed or merged: its page. Old records keep the old name."),
                    (),
                    "/departments/",
                    _l("Departments"),
                ),
                Step(
                    _l("Each November, when the State Council has published the holidays: check next year's calendar."),
                    (),
                    "/settings/holidays",
                    _l("Calendar of working days"),
                ),
                Step(_l("You keep people, lists and settings, and see no records.")),
            ),
        ),
    ),
}

bp = Blueprint("guide", __name__)


def _mine() -> list[Role]:
    return [role for role in GUIDES if role in me().role_set]


@bp.get("/help")
@signed_in
def first() -> Any:
    """The guide of the person's first role."""
    return redirect(url_for(".guide", role=_mine()[0].value))


@bp.get("/help/<role>")
@signed_in
def guide(role: str) -> Any:
    """The guide of one of the person's roles; of another there is none, for its links would lead nowhere."""
    mine = _mine()
    if role not in mine:
        abort(404)
    tabs = [
        {"label": ROLE_LABELS[one], "url": url_for(".guide", role=one.value), "active": one == role} for one in mine
    ]
    return render_template(
        "desk/guide.html", parts=(*GUIDES[Role(role)], _NOTES), label=ROLE_LABELS[Role(role)], tabs=tabs
    )
