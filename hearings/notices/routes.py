"""Pages of the notices room: the inbox, answering an invitation, who has answered, what was sent, the mail's state."""

import imaplib
from collections.abc import Sequence
from typing import Any, TypeVar

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from .. import audit
from ..db import db
from ..errors import RuleBroken
from ..forms import as_number, clean_arg
from ..people.models import User
from ..permissions import allowed, may, public, requires, signed_in
from ..schedule.models import Hearing
from ..web import finish, me, page, perform, submit
from . import inbound, invitations, news, operations, outbox, queries, state
from .forms import AnswerForm, NoteForm
from .models import REPLY_LABELS, DoubtfulAnswer, Invitation, Message, MessageState, Preference, Reply

bp = Blueprint("notices", __name__)
T = TypeVar("T")

SAID_LABELS = {
    "ACCEPTED": _l("comes"),
    "TENTATIVE": _l("perhaps"),
    "DECLINED": _l("does not come"),
    "DELEGATED": _l("sends somebody else"),
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
ALWAYS = (
    (_l("Invitations to hearings, changes and cancellations"), _l("Who takes part has to know when and where.")),
    (
        _l("Assignments, and when a reply is due or overdue"),
        _l("Deputies\u2019 Law, article 51: departments reply to deputies within the limit."),
    ),
    (
        _l("Commitments: when they are due, overdue, extended or rejected"),
        _l("What is promised at a hearing is kept by its date, and supervised when it is late."),
    ),
    (_l("Questions whether an issue is done"), _l("Only the deputy\u2019s word strikes an issue off.")),
)
"""What nobody can refuse to be told by mail (`reminders.LEGAL`), and why."""
CHANNEL_LABELS = {"inbox": _l("in this house"), "mail": _l("mail"), "robot": _l("group robot")}


def _before() -> int | None:
    return as_number(request.args.get("before", ""))


# -- the inbox -------------------------------------------------------------------------------------------


@bp.get("/inbox/")
@signed_in
def inbox() -> Any:
    """What has come in for this person, newest first; all of it, or what is unread."""
    only_unread = request.args.get("show") == "unread"
    rows = queries.inbox(me().id, before=_before(), only_unread=only_unread)
    shown, more = rows[: queries.AT_ONCE], len(rows) > queries.AT_ONCE
    return render_template(
        "notices/inbox.html",
        messages=shown,
        older=shown[-1].id if more else None,
        is_first=_before() is None,
        unread=outbox.unread(me().id),
        only_unread=only_unread,
        before=_before(),
    )


def _same_page() -> str:
    """The page of the inbox where a button was pressed."""
    before = as_number(request.form.get("before", ""))
    where: dict[str, Any] = {"show": "unread" if request.form.get("show") == "unread" else None, "before": before}
    return url_for("notices.inbox", **{key: value for key, value in where.items() if value is not None})


@bp.post("/inbox/<int:id>")
@signed_in
def open_(id: int) -> Any:
    """Go where the matter is; what was opened counts as read."""
    message = db.session.get(Message, id) if id < 2**31 else None
    if message is None or message.user_id != me().id or message.channel != "inbox":
        abort(404)
    return perform(lambda: outbox.mark_read(me().id, [id]), message.url or "/inbox/")


@bp.post("/inbox/read")
@signed_in
def read() -> Any:
    """Mark everything, or one message, as read."""
    words = request.form.get("id", "")
    number = as_number(words)
    if words and number is None:
        abort(404)
    return perform(
        lambda: outbox.mark_read(me().id, [number] if number is not None else None),
        _same_page() if number is not None else "/inbox/",
        _("Marked as read."),
    )


@bp.get("/inbox/mail")
@signed_in
def told() -> Any:
    """By which channels this person is told, and what is told in any case, and why."""
    preference = db.session.get(Preference, me().id)
    return render_template(
        "notices/told.html",
        mail=preference is None or preference.mail,
        mail_is_set=outbox.mail_is_set(),
        always=ALWAYS,
        quiet=(current_app.config["QUIET_FROM"], current_app.config["QUIET_UNTIL"]),
    )


@bp.post("/inbox/mail")
@signed_in
def choose_mail() -> Any:
    """Whether the daily mail tells everything. What the law wants told comes in any case."""
    wanted = request.form.get("mail") == "on"
    said = _("The daily mail comes.") if wanted else _("The daily mail tells only what has to be told.")
    return perform(lambda: operations.choose_mail(me(), wanted), "/inbox/mail", said)


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
    current = str(row.hearing.reply_sequence)
    if request.method == "GET":
        form.answer.data = row.answer.value if row.answer != Reply.NONE else None
        form.delegate.data, form.delegate_title.data, form.note.data = row.delegate, row.delegate_title, row.note
    elif not over and form.validate_on_submit():
        try:
            if form.seen.data and form.seen.data != current:
                raise RuleBroken(
                    _("Time or place has changed since you opened this page. Please look and answer again.")
                )
            invitations.answer(
                row,
                Reply(form.answer.data),
                by="link",
                note=form.note.data or None,
                delegate=form.delegate.data or None,
                delegate_title=form.delegate_title.data or None,
            )
            if row.user_id is None:  # a guest: later mails come in the language that they answered in
                row.locale = str(get_locale())
        except RuleBroken as broken:
            form.add_error(broken)
        else:
            db.session.commit()
            flash(_("Thank you, your answer has been noted."), "success")
            return redirect(url_for("notices.respond", token=token), 303)
    form.seen.data = current
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
    dead = [r for r in living if r.trouble is not None and r.answer == Reply.NONE]
    reached = [r for r in living if r not in dead]
    over = invitations.is_over(hearing)
    return render_template(
        "notices/answers.html",
        hearing=hearing,
        rows=rows,
        seats=queries.seats_of(rows),
        labels=REPLY_LABELS,
        why=WHY_LABELS,
        said=SAID_LABELS,
        trouble=lambda error: queries.TROUBLES[queries.trouble(error)],
        counts={k: sum(r.answer == k for r in reached) for k in REPLY_LABELS},
        unasked=queries.unasked(hearing.id) if rows and not over else (),
        uninvited=0 if over or news.is_on_its_way(hearing.id) else invitations.uninvited(hearing),
        over=over,
        dead=dead,
        doubtful=queries.doubtful(hearing.id),
        can_accept=invitations.can_accept,
        may="invitation.remind" in allowed(me(), hearing, ["invitation.remind"]),
        unanswered=not over and any(r.answer == Reply.NONE for r in reached),
        mail_is_set=outbox.mail_is_set(),
    )


@bp.post("/hearings/<int:id>/answers/remind")
@requires("invitation.remind", Hearing)
def remind(hearing: Hearing) -> Any:
    """Ask those again who have not answered."""
    asked, before = invitations.remind(hearing, actor=me())
    words = []
    if asked:
        words.append(_("Asked again: %(count)d.", count=asked))
    if before:
        words.append(_("Asked again today already: %(count)d.", count=before))
    if not words:
        words.append(_("Everybody who can be reached by mail has answered."))
    flash(" ".join(words), "success" if asked else "warning")
    return finish(_back(hearing))


def _back(hearing: Hearing) -> str:
    """Where the button was: on the hearing's page, or on that of its answers."""
    return f"/hearings/{hearing.id}{'#answers' if request.form.get('to') == 'hearing' else '/answers'}"


def _posted(model: type[T], name: str, hearing: Hearing) -> T:
    """The row of this hearing that a button names in its field `name`; else 404."""
    number = as_number(request.form.get(name, ""))
    row: Any = db.session.get(model, number) if number is not None else None
    if row is None or row.hearing_id != hearing.id:
        abort(404)
    return row


@bp.post("/hearings/<int:id>/answers/invite")
@requires("invitation.remind", Hearing)
def invite(hearing: Hearing) -> Any:
    """Ask those who have an address and have not been asked: mail was set up after the announcement."""
    said = _("The invitations go out within a few minutes.")
    return perform(lambda: invitations.invite(hearing, actor=me()), f"/hearings/{hearing.id}/answers", said)


@bp.route("/hearings/<int:id>/answers/<int:invitation_id>", methods=["GET", "POST"])
@requires("invitation.remind", Hearing)
def note(hearing: Hearing, invitation_id: int) -> Any:
    """Write down what somebody who was asked has said by telephone or in person."""
    row = db.session.get(Invitation, invitation_id) if invitation_id < 2**31 else None
    if row is None or row.hearing_id != hearing.id:
        abort(404)
    to = f"/hearings/{hearing.id}/answers"
    form = NoteForm()
    form.answer.offer([(k.value, v) for k, v in REPLY_LABELS.items() if k != Reply.NONE])
    if request.method == "GET":
        if row.withdrawn_at is not None:
            raise RuleBroken(_("This person is no longer on the list of this hearing."))
        if invitations.is_over(hearing):
            raise RuleBroken(_("This hearing takes no answers any more."))
        form.answer.data = row.answer.value if row.answer != Reply.NONE else None
        form.delegate.data, form.delegate_title.data, form.note.data = row.delegate, row.delegate_title, row.note
    done = submit(
        form,
        lambda: invitations.note(
            row,
            Reply(form.answer.data),
            words=form.note.data or None,
            delegate=form.delegate.data or None,
            delegate_title=form.delegate_title.data or None,
            actor=me(),
        ),
        to=to,
    )
    return done or page("notices/note.html", form, row=row, hearing=hearing, labels=REPLY_LABELS, back=to)


@bp.post("/hearings/<int:id>/answers/stand-in")
@requires("invitation.remind", Hearing)
def stand_in(hearing: Hearing) -> Any:
    """Take who was named instead onto the list of participants."""
    row = _posted(Invitation, "invitation", hearing)
    return perform(lambda: invitations.take_delegate(row, actor=me()), _back(hearing))


@bp.post("/hearings/<int:id>/answers/settle")
@requires("invitation.remind", Hearing)
def settle(hearing: Hearing) -> Any:
    """A doubtful answer has been looked at: it is taken as the person's answer, or left aside."""
    row = _posted(DoubtfulAnswer, "answer", hearing)
    to = f"/hearings/{hearing.id}/answers"
    if request.form.get("take") == "yes":
        name = clean_arg(request.form.get("delegate", ""), 40)
        return perform(
            lambda: invitations.accept(row, delegate=name or None, actor=me()), to, _("Taken as the answer.")
        )
    return perform(lambda: invitations.settle(row, actor=me()), to, _("Noted as looked at."))


# -- what was sent ---------------------------------------------------------------------------------------


def _sent(template: str, rows: Sequence[Message], **more: Any) -> Any:
    shown = rows[: queries.AT_ONCE]
    return render_template(
        template,
        messages=shown,
        older=shown[-1].id if len(rows) > queries.AT_ONCE else None,
        is_first=_before() is None,
        states=STATE_LABELS,
        channels=CHANNEL_LABELS,
        trouble=lambda error: queries.TROUBLES[queries.trouble(error)],
        text_of=lambda m: m.text if m.user_id == me().id else invitations.without_token(m.text),
        **more,
    )


@bp.get("/hearings/<int:id>/sent")
@requires("invitation.read", Hearing)
def sent(hearing: Hearing) -> Any:
    """Every message about a hearing, with time, state and text."""
    rows = queries.sent(me(), hearing_id=hearing.id, before=_before())
    may_again = "invitation.remind" in allowed(me(), hearing, ["invitation.remind"])
    return _sent("notices/sent.html", rows, hearing=hearing, may=may_again)


@bp.get("/sent/<int:id>")
@signed_in
def sent_to(id: int) -> Any:
    """Every message to one person, with time, state and text: one's own, or as far as one organises or may read."""
    person = db.session.get(User, id) if id < 2**31 else None
    if person is None or (person.id != me().id and not may(me(), "message.read")):
        abort(404)
    rows = queries.sent(me(), to_id=person.id, before=_before())
    may_again = person.id != me().id and may(me(), "invitation.remind")
    return _sent("notices/sent_to.html", rows, person=person, may=may_again)


# -- whether mail works ----------------------------------------------------------------------------------


@bp.get("/settings/mail")
@requires("setting.read")
def mail_state() -> Any:
    """What is set, what waits and what failed, when the worker and the mailbox were last at work."""
    config = current_app.config
    found = state.look()
    return render_template(
        "notices/mail.html",
        state=found,
        config=config,
        mail_is_set=outbox.mail_is_set(),
        mailbox=bool(config["MAIL_IMAP_HOST"]),
        base_url=config["BASE_URL"],
        trouble=lambda error: queries.TROUBLES[queries.trouble(error)],
        failed_here=len(state.failed_here()) if found.failed else 0,
        quiet=outbox.is_quiet(),
    )


TO_MAIL = "/settings/mail"


@bp.post("/settings/mail/try")
@requires("setting.try_mail")
def try_mail() -> Any:
    """Send a mail to oneself at once, and say what the server said."""
    person = me()
    address = (person.email or "").strip()
    if not outbox.mail_is_set():
        raise RuleBroken(_("No mail server is set yet (HEARINGS_MAIL_HOST and HEARINGS_MAIL_FROM)."))
    if "@" not in address:
        raise RuleBroken(_("You have no e-mail address here yet; enter it on your own page first."))
    subject = _("%(system)s: test mail", system=current_app.config["SYSTEM_NAME"])
    words = _("This mail shows that mail works. Sent from %(url)s.", url=outbox.base_url())
    name = person.name
    audit.record("setting.try_mail", person, person)
    db.session.commit()  # a server that hangs keeps nobody waiting
    try:
        outbox.try_out(address, name, subject, f"{words}\n")
    except outbox.Refused as refused:
        why = queries.TROUBLES[queries.trouble(refused.words)]
        flash(
            _(
                "The test mail to %(address)s did not go out: %(why)s. %(words)s",
                address=address,
                why=why,
                words=refused.words,
            ),
            "warning",
        )
    else:
        flash(
            _("The mail server has taken the test mail to %(address)s. Look whether it arrives.", address=address),
            "success",
        )
    return redirect(TO_MAIL, 303)


@bp.post("/settings/mail/read")
@requires("setting.try_mail")
def read_mailbox() -> Any:
    """Read the mailbox now, and say what came of it."""
    if not current_app.config["MAIL_IMAP_HOST"]:
        raise RuleBroken(_("No mailbox is set yet (HEARINGS_MAIL_IMAP_HOST)."))
    db.session.commit()
    try:
        done = inbound.fetch()
    except (OSError, imaplib.IMAP4.error) as trouble:
        flash(_("The mailbox could not be read: %(words)s", words=str(trouble)), "warning")
    else:
        flash(_("The mailbox has been read; new mails: %(count)d.", count=len(done)), "success")
    return redirect(TO_MAIL, 303)


@bp.post("/settings/mail/again")
@requires("setting.try_mail")
def try_failed() -> Any:
    """Send again what our own server could not send."""

    def act() -> None:
        count = operations.try_failed_again(actor=me())
        if count:
            flash(_("Mails that will be tried again: %(count)d.", count=count), "success")
        else:
            flash(_("There is nothing to try again."), "warning")

    return perform(act, TO_MAIL)


@bp.post("/hearings/<int:id>/sent/again")
@requires("invitation.remind", Hearing)
def again(hearing: Hearing) -> Any:
    """Send a mail once more, as a message of its own; a second click finds it on its way."""
    old = _posted(Message, "message", hearing)

    def act() -> None:
        made = operations.send_again(old, actor=me())
        flash(_("It will be sent again.") if made is not None else _("It is on its way already."), "success")

    to_person = request.form.get("to") == "person" and old.user_id is not None
    back = url_for("notices.sent_to", id=old.user_id) if to_person else url_for("notices.sent", id=hearing.id)
    return perform(act, back)
