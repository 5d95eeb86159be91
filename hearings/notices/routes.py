"""Pages of the notices room: the inbox, answering an invitation, who has answered, what was sent."""

from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from .. import audit
from ..db import db, now
from ..errors import RuleBroken
from ..forms import as_number
from ..permissions import allowed, public, requires, signed_in
from ..schedule.models import Hearing
from ..web import me, page, perform
from . import invitations, outbox, queries
from .forms import AnswerForm
from .models import DoubtfulAnswer, Message, MessageState, Preference, Reply

bp = Blueprint("notices", __name__)

REPLY_LABELS = {
    Reply.NONE: _l("no answer yet"),
    Reply.ACCEPTED: _l("comes"),
    Reply.TENTATIVE: _l("perhaps"),
    Reply.DECLINED: _l("does not come"),
}
STATE_LABELS = {
    MessageState.WAITING: _l("waiting to be sent"),
    MessageState.SENT: _l("sent"),
    MessageState.FAILED: _l("could not be sent"),
    MessageState.DROPPED: _l("overtaken"),
}
WHY_LABELS = {
    "unknown": _l("Nobody of this address was invited."),
    "forged": _l("It cannot be told that it comes from the person it names."),
    "counter": _l("A different time is proposed."),
    "delegated": _l("Somebody else is named instead."),
    "unreadable": _l("The answer cannot be understood."),
}
CHANNEL_LABELS = {"inbox": _l("in this house"), "mail": _l("mail"), "robot": _l("group robot")}


def _before() -> int | None:
    return as_number(request.args.get("before", ""))


# -- the inbox -------------------------------------------------------------------------------------------


@bp.get("/inbox/")
@signed_in
def inbox() -> Any:
    """What has come in for this person, newest first."""
    rows = queries.inbox(me().id, before=_before())
    shown, more = rows[: queries.AT_ONCE], len(rows) > queries.AT_ONCE
    preference = db.session.get(Preference, me().id)
    return render_template(
        "notices/inbox.html",
        messages=shown,
        older=shown[-1].id if more else None,
        unread=outbox.unread(me().id),
        mail=preference is None or preference.mail,
        mail_is_set=outbox.mail_is_set(),
    )


@bp.get("/inbox/<int:id>")
@signed_in
def open_(id: int) -> Any:
    """Go where the matter is; what was opened counts as read."""
    message = db.session.get(Message, id) if id < 2**31 else None
    if message is None or message.user_id != me().id or message.channel != "inbox":
        abort(404)
    return redirect(message.url or "/inbox/", 303)


@bp.post("/inbox/read")
@signed_in
def read() -> Any:
    """Mark everything, or one message, as read."""
    words = request.form.get("id", "")
    number = as_number(words)
    if words and number is None:
        abort(404)
    return perform(
        lambda: outbox.mark_read(me().id, [number] if number is not None else None), "/inbox/", _("Marked as read.")
    )


@bp.post("/inbox/mail")
@signed_in
def choose_mail() -> Any:
    """Whether the daily mail comes. What the law wants told comes in any case."""
    wanted = request.form.get("mail") == "on"

    def act() -> None:
        row = db.session.get(Preference, me().id)
        if row is None:
            row = Preference(user_id=me().id)
            db.session.add(row)
        row.mail = wanted

    said = _("The daily mail comes.") if wanted else _("The daily mail tells only what the law wants told.")
    return perform(act, "/inbox/", said)


# -- answering -------------------------------------------------------------------------------------------


@bp.route("/r/<token>", methods=["GET", "POST"])
@public
def respond(token: str) -> Any:
    """The page behind the link of an invitation. Looking at it changes nothing; the answer is a post."""
    row = invitations.by_token(token) if len(token) < 60 else None
    if row is None:
        abort(404)
    form = AnswerForm()
    form.answer.offer([(k.value, v) for k, v in REPLY_LABELS.items() if k != Reply.NONE])
    over = row.withdrawn_at is not None or invitations.is_over(row.hearing)
    if request.method == "GET":
        form.answer.data = row.answer.value if row.answer != Reply.NONE else None
        form.delegate.data, form.note.data = row.delegate, row.note
    elif not over and form.validate_on_submit():
        try:
            invitations.answer(
                row,
                Reply(form.answer.data),
                by="link",
                note=form.note.data or None,
                delegate=form.delegate.data or None,
            )
        except RuleBroken as broken:
            form.add_error(broken)
        else:
            db.session.commit()
            flash(_("Thank you, your answer has been noted."), "success")
            return redirect(url_for("notices.respond", token=token), 303)
    answer = page("notices/respond.html", form, row=row, hearing=row.hearing, over=over, labels=REPLY_LABELS)
    body, code = answer
    made = current_app.make_response((body, code))
    made.headers["X-Robots-Tag"] = "noindex"
    made.headers["Referrer-Policy"] = "no-referrer"
    return made


@bp.get("/hearings/<int:id>/answers")
@requires("invitation.read", Hearing)
def answers(hearing: Hearing) -> Any:
    """Who comes, who does not, who has not answered, and answers that somebody has to look at."""
    rows = queries.invitations_of(hearing.id)
    living = [r for r in rows if r.withdrawn_at is None]
    return render_template(
        "notices/answers.html",
        hearing=hearing,
        rows=rows,
        labels=REPLY_LABELS,
        why=WHY_LABELS,
        counts={k: sum(r.answer == k for r in living) for k in REPLY_LABELS},
        doubtful=queries.doubtful(hearing.id),
        may="invitation.remind" in allowed(me(), hearing, ["invitation.remind"]),
        over=invitations.is_over(hearing),
        mail_is_set=outbox.mail_is_set(),
    )


@bp.post("/hearings/<int:id>/answers/remind")
@requires("invitation.remind", Hearing)
def remind(hearing: Hearing) -> Any:
    """Ask those again who have not answered."""
    counted: list[int] = []
    return perform(
        lambda: counted.append(invitations.remind(hearing, actor=me())),
        url_for("notices.answers", id=hearing.id),
        _("Those who have not answered are asked again, once a day at most."),
    )


@bp.post("/hearings/<int:id>/answers/settle")
@requires("invitation.remind", Hearing)
def settle(hearing: Hearing) -> Any:
    """A doubtful answer has been looked at."""
    number = as_number(request.form.get("answer", ""))
    row = db.session.get(DoubtfulAnswer, number) if number is not None else None
    if row is None or row.hearing_id != hearing.id:
        abort(404)

    def act() -> None:
        row.settled_at = now()
        audit.record("invitation.settle", hearing, me(), answer=row.said)

    return perform(act, url_for("notices.answers", id=hearing.id), _("Noted as looked at."))


# -- what was sent ---------------------------------------------------------------------------------------


@bp.get("/hearings/<int:id>/sent")
@requires("invitation.read", Hearing)
def sent(hearing: Hearing) -> Any:
    """Every message about a hearing, with time, state and text."""
    rows = queries.sent(me(), hearing_id=hearing.id, before=_before())
    shown, more = rows[: queries.AT_ONCE], len(rows) > queries.AT_ONCE
    return render_template(
        "notices/sent.html",
        hearing=hearing,
        messages=shown,
        older=shown[-1].id if more else None,
        states=STATE_LABELS,
        channels=CHANNEL_LABELS,
        may="invitation.remind" in allowed(me(), hearing, ["invitation.remind"]),
    )


@bp.post("/hearings/<int:id>/sent/again")
@requires("invitation.remind", Hearing)
def again(hearing: Hearing) -> Any:
    """Send a mail once more, as a message of its own."""
    number = as_number(request.form.get("message", ""))
    old = db.session.get(Message, number) if number is not None else None
    if old is None or old.hearing_id != hearing.id or old.channel != "mail":
        abort(404)

    def act() -> None:
        if old.state == MessageState.WAITING:
            raise RuleBroken(_("It has not been sent yet."))
        copies = sum(m.key.startswith(f"{old.key}:again") for m in queries.sent(me(), hearing_id=hearing.id))
        outbox.write(
            key=f"{old.key}:again{copies + 1}",
            kind=old.kind,
            channel="mail",
            user_id=old.user_id,
            hearing_id=old.hearing_id,
            name=old.name,
            address=old.address,
            subject=old.subject,
            text=old.text,
            url=old.url,
            urgent=True,
            calendar=old.calendar,
            method=old.method,
        )
        audit.record("message.again", hearing, me())

    return perform(act, url_for("notices.sent", id=hearing.id), _("It will be sent again."))
