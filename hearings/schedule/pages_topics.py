"""The pool of topics, and the lists of hearings."""

from typing import Any

from flask import abort, current_app, flash, redirect, request
from flask_babel import gettext as _

from ..db import db
from ..errors import RuleBroken
from ..filters import full_day, names
from ..forms import Filled
from ..people.models import Department, User
from ..permissions import Role, allowed, may, requires
from ..web import me, page, perform, submit
from . import operations, queries
from .forms import (
    ChooseTopicsForm,
    MergeForm,
    SetAsideForm,
    TakeForm,
    TopicFilter,
    TopicForm,
    ids_of,
)
from .models import (
    SOURCE_LABELS,
    Hearing,
    Topic,
    TopicSource,
)
from .pages import address_of, bp, rows_by_id, topics_open, total_of

# -- the pool of topics ------------------------------------------------------------------------------------


@bp.get("/topics/")
@requires("topic.read")
def pool() -> Any:
    """Topics collected, wherever they are by now."""
    form = TopicFilter(request.args)
    form.street.offer([(s, s) for s in queries.streets_for(me())])
    form.settle()
    where = queries.pool_where(
        me(), q=form.q.data, state=form.state.data, source=form.source.data, street=form.street.data
    )
    before, after = (ids_of([request.args.get(name, "")]) for name in ("before", "after"))
    rows, later, earlier = queries.page_of_topics(
        where,
        before=before[0] if before else 0,
        after=after[0] if after else 0,
        size=current_app.config["PAGE_SIZE"],
    )
    return page(
        "schedule/pool.html",
        filters=form,
        topics=rows,
        opens=queries.opening(Hearing, (t.hearing_id for t in rows), me()),
        total=total_of(queries.counted(*where, of=Topic)),
        newer_url=address_of("/topics/", after=rows[0].id) if later and rows else None,
        older_url=address_of("/topics/", before=rows[-1].id) if earlier else None,
        sources=SOURCE_LABELS,
        may_amend=may(me(), "topic.amend"),
        may_create=may(me(), "topic.create"),
    )


def _offer_topic(form: TopicForm, keep: Topic | None = None) -> None:
    """Streets, deputies and offices; a deputy brings a topic, and the organiser says who answers."""
    streets = queries.streets_for(me())
    if keep is not None and keep.street and keep.street not in streets:
        streets.append(keep.street)
    form.street.offer([(s, s) for s in streets])
    if not may(me(), "topic.amend"):
        del form.deputy, form.departments
        return
    kept = [d.id for d in keep.departments] if keep is not None else []
    form.deputy.offer([(u.id, u.name) for u in queries.people(Role.DEPUTY, keep=keep.deputy_id if keep else None)])
    form.departments.offer([(d.id, d.short_name) for d in queries.offices(keep=kept)])


@bp.route("/topics/new", methods=["GET", "POST"])
@requires("topic.create")
def new_topic() -> Any:
    """Collect a topic into the pool, or (?hearing=…) straight onto a list."""
    organises = may(me(), "topic.amend")
    target = ids_of([request.args.get("hearing", "")]) if organises else []
    planned = next((h for h in queries.planned_for(me()) if target and h.id == target[0]), None)
    form = TopicForm(source=TopicSource.DEPUTY_VISIT if not organises else None)
    _offer_topic(form)
    if organises and not me().is_district and planned is None:
        form.street.validators = [Filled()]  # without a street, or a list of theirs, they would not see it again
        form.street.flags.required = True

    def act() -> Topic:
        fields: dict[str, Any] = {"deputy": me() if Role.DEPUTY in me().role_set else None, "departments": []}
        if organises:
            fields["deputy"] = db.session.get(User, form.deputy.data) if form.deputy.data else None
            fields["departments"] = rows_by_id(Department, form.departments.data)
        return operations.add_topic(
            title=form.title.data or "",
            details=form.details.data,
            source=form.source.data or TopicSource.OTHER,
            street=form.street.data,
            hearing=planned,
            actor=me(),
            **fields,
        )

    done = submit(
        form,
        act,
        to=lambda made: f"/hearings/{planned.id}/topics" if planned else f"/topics/{made.id}",
        said=_("The topic has been collected."),
    )
    return done or page("schedule/topic_form.html", form, topic=None, hearing=planned)


@bp.get("/topics/<int:id>")
@requires("topic.read", Topic)
def topic(topic: Topic) -> Any:
    """One topic: what it says, who is to answer, where it is."""
    return page(
        "schedule/topic.html",
        topic=topic,
        folded=queries.folded_into(topic, me()),
        opens=queries.opening(Hearing, [topic.hearing_id], me()),
        opens_topics=queries.opening(Topic, [topic.merged_into_id], me()),
        sources=SOURCE_LABELS,
        may_amend="topic.amend" in allowed(me(), topic, ["topic.amend"]),
        hearing_open=topic.hearing is not None and topics_open(topic.hearing),
    )


@bp.route("/topics/<int:id>/edit", methods=["GET", "POST"])
@requires("topic.amend", Topic)
def edit_topic(topic: Topic) -> Any:
    """Change a topic and the offices that are to answer."""
    form = TopicForm(
        data={
            "title": topic.title,
            "details": topic.details,
            "source": topic.source,
            "street": topic.street,
            "deputy": topic.deputy_id,
            "departments": [d.id for d in topic.departments],
        }
    )
    _offer_topic(form, topic)

    def act() -> None:
        current = {
            "title": topic.title,
            "details": topic.details,
            "source": topic.source,
            "street": topic.street,
            "deputy": topic.deputy_id,
            "departments": [d.id for d in topic.departments],
        }
        changes = form.merge(current, topic)
        if "departments" in changes:
            changes["departments"] = rows_by_id(Department, changes["departments"])
        if "deputy" in changes:
            changes["deputy"] = db.session.get(User, changes["deputy"]) if changes["deputy"] else None
        operations.amend_topic(topic, changes, actor=me())

    done = submit(form, act, to=f"/topics/{topic.id}", said=_("The topic has been changed."))
    return done or page("schedule/topic_form.html", form, topic=topic, hearing=None)


@bp.route("/topics/<int:id>/set-aside", methods=["GET", "POST"])
@requires("topic.amend", Topic)
def set_aside_topic(topic: Topic) -> Any:
    """Leave it alone, with the reason."""
    form = SetAsideForm()
    done = submit(
        form,
        lambda: operations.set_aside_topic(topic, reason=form.reason.data or "", actor=me()),
        to=f"/topics/{topic.id}",
        said=_("The topic has been set aside."),
    )
    return done or page("schedule/topic_aside.html", form, topic=topic)


@bp.post("/topics/<int:id>/take-up")
@requires("topic.amend", Topic)
def take_up_topic(topic: Topic) -> Any:
    """Back into the pool."""
    return perform(
        lambda: operations.take_up_topic(topic, actor=me()),
        to=f"/topics/{topic.id}",
        said=_("The topic is in the pool again."),
    )


@bp.post("/topics/<int:id>/release")
@requires("topic.amend", Topic)
def release_topic(topic: Topic) -> Any:
    """From a hearing's list back to the pool."""
    back = f"/hearings/{topic.hearing_id}/topics" if topic.hearing_id else f"/topics/{topic.id}"
    return perform(
        lambda: operations.release_topic(topic, actor=me()),
        to=back,
        said=_("“%(title)s” is in the pool again.", title=topic.title),
    )


@bp.post("/topics/<int:id>/remove")
@requires("topic.amend", Topic)
def remove_topic(topic: Topic) -> Any:
    """Delete, with undo."""
    return perform(lambda: operations.remove_topic(topic, actor=me()), to="/topics/")


@bp.route("/topics/merge", methods=["GET", "POST"])
@requires("topic.merge")
def merge_topics() -> Any:
    """Fold the chosen topics (?topic=1&topic=2) into the one that stays."""
    chosen = queries.chosen_topics(ids_of(request.args.getlist("topic")), me(), "topic.merge")
    if len(chosen) < 2:
        flash(_("Choose at least two topics to merge."), "warning")
        return redirect("/topics/?state=pool", 303)
    form = MergeForm(into=chosen[0].id)
    form.into.offer([(t.id, t.title) for t in chosen])
    done = submit(
        form,
        lambda: operations.merge_topics(chosen, next(t for t in chosen if t.id == form.into.data), actor=me()),
        to=lambda _result: f"/topics/{form.into.data}",
    )
    return done or page("schedule/topic_merge.html", form, topics=chosen)


@bp.route("/topics/take", methods=["GET", "POST"])
@requires("topic.amend")
def take_topics() -> Any:
    """Put the chosen topics (?topic=1&topic=2) onto the list of a hearing that is being prepared."""
    chosen = queries.chosen_topics(ids_of(request.args.getlist("topic")), me(), "topic.amend")
    if not chosen:
        flash(_("Choose at least one topic."), "warning")
        return redirect("/topics/?state=pool", 303)
    planned = {h.id: h for h in queries.planned_for(me())}
    form = TakeForm()
    form.hearing.offer([(h.id, f"{full_day(h.starts_at)}　{h.title}") for h in planned.values()])
    done = submit(
        form,
        lambda: operations.choose_topics(planned[form.hearing.data or 0], chosen, actor=me()),
        to=lambda _result: f"/hearings/{form.hearing.data}/topics",
        said=_("%(count)d topics are on the list.", count=len(chosen)),
    )
    return done or page("schedule/topic_take.html", form, topics=chosen)


# -- a hearing's topics ------------------------------------------------------------------------------------


@bp.route("/hearings/<int:id>/topics", methods=["GET", "POST"])
@requires("hearing.read", Hearing)
def topics(hearing: Hearing) -> Any:
    """The list in order; the organiser takes topics of the pool onto it."""
    may_amend = "topic.amend" in allowed(me(), hearing, ["topic.amend"])
    is_open = topics_open(hearing)
    if request.method == "POST" and not may_amend:
        abort(403)
    form = ChooseTopicsForm()
    pooled = queries.pool_for(hearing, me()) if may_amend and is_open else []
    form.topics.offer([(t.id, _pooled(t)) for t in pooled])

    def act() -> None:
        chosen = [t for t in pooled if t.id in set(form.topics.data or ())]
        if not chosen:
            raise RuleBroken(_("Choose at least one topic."), "topics")
        operations.choose_topics(hearing, chosen, actor=me())

    done = submit(
        form,
        act,
        to=f"/hearings/{hearing.id}/topics",
        said=_("The topics are on the list, and their departments have seats."),
    )
    return done or page(
        "schedule/topics.html",
        form,
        hearing=hearing,
        topics=queries.topics_of(hearing, me()),
        pooled=len(pooled),
        may_amend=may_amend and is_open,
        sources=SOURCE_LABELS,
    )


def _pooled(topic: Topic) -> str:
    return "　".join(w for w in (topic.title, topic.street, names(topic.departments)) if w)


@bp.post("/hearings/<int:id>/topics/order")
@requires("topic.amend", Hearing)
def order_topics(hearing: Hearing) -> Any:
    """One topic up or down."""
    ids = [t.id for t in queries.topics_of(hearing, me())]
    moved = ids_of([request.form.get("topic", "")])
    if moved and moved[0] in ids:
        at = ids.index(moved[0])
        to = max(0, at - 1) if request.form.get("move") == "up" else min(len(ids) - 1, at + 1)
        ids.insert(to, ids.pop(at))
    return perform(lambda: operations.order_topics(hearing, ids, actor=me()), to=f"/hearings/{hearing.id}/topics")
