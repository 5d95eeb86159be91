"""The Word copy beside the PDF; who has fetched them; a count that fails stops nothing."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from hearings.db import db
from hearings.minutes import operations, queries
from hearings.minutes.models import Download
from tests import factories
from tests.minutes.conftest import PDF, WORD


def counted() -> list[tuple[int | None, str]]:
    return [tuple(r) for r in db.session.execute(select(Download.department_id, Download.format).order_by(Download.id))]


def test_both_files_come_as_published_and_are_counted(world, browser, concluded, publish):
    minutes = publish(concluded)
    base = f"/hearings/{concluded.id}"
    one = browser(world.department)
    mark = f"{concluded.id}.1".encode()
    got = one.get(f"{base}/minutes.docx")
    assert (got.data, got.headers["ETag"]) == (WORD + mark, f'"{minutes.docx_sha256}"')
    assert got.mimetype == "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert ".docx" in got.headers["Content-Disposition"]
    assert one.get(f"{base}/minutes.pdf").data == PDF + mark
    assert counted() == [(world.bureau.id, "docx"), (world.bureau.id, "pdf")]
    known = {"If-None-Match": got.headers["ETag"]}
    assert one.get(f"{base}/minutes.docx", headers=known).status_code == 304
    assert one.open(f"{base}/minutes.pdf", method="HEAD").status_code == 200
    assert one.get(f"{base}/minutes.pdf", headers={"Range": "bytes=5-8"}).status_code == 206
    assert one.get(f"{base}/minutes.pdf?version=7").status_code == 404
    assert len(counted()) == 2
    browser(world.deputy).get(f"{base}/minutes.pdf")
    assert counted()[2:] == [(None, "pdf")]


def test_the_organiser_sees_who_has_not(world, browser, concluded, publish):
    minutes = publish(concluded)
    base = f"/hearings/{concluded.id}/minutes"
    page = browser(world.organiser).get(base).text
    part = page[page.index('id="fetched"') :][:3000]
    assert world.bureau.name in part and world.other_bureau.name in part
    browser(world.department).get(f"{base}.pdf")
    browser(world.department).get(f"{base}.docx")
    found = queries.fetched(minutes)
    assert [(f.name, f.times) for f in found] == [(world.bureau.name, 2), (world.other_bureau.name, 0)]
    assert found[0].formats == "PDF、Word" and found[0].first_at <= found[0].last_at
    assert 'id="fetched"' in browser(world.organiser).get(base).text
    for user in (world.department, world.deputy, world.leader, world.auditor):
        assert 'id="fetched"' not in browser(user).get(base).text


def test_who_may_not_read_is_not_counted(world, browser, concluded, publish):
    publish(concluded)
    stranger = factories.user("deputy")
    db.session.commit()
    for user in (stranger, world.admin, None):
        answer = browser(user).get(f"/hearings/{concluded.id}/minutes.docx")
        assert answer.status_code == (404 if user else 302)
    assert counted() == []


def test_a_count_that_fails_stops_nothing(world, browser, concluded, publish, monkeypatch):
    publish(concluded)

    def fail(*args, **kwargs):
        raise OperationalError("INSERT", {}, Exception("locked"))

    monkeypatch.setattr(operations, "count_download", fail)
    answer = browser(world.department).get(f"/hearings/{concluded.id}/minutes.pdf")
    assert answer.status_code == 200 and answer.data.startswith(PDF)
    monkeypatch.undo()
    assert counted() == []


@pytest.mark.parametrize("rows", [1, 30])
def test_statements_do_not_grow(world, browser, concluded, publish, statements, rows):
    publish(concluded)
    one = browser(world.department)
    for _ in range(rows):
        one.get(f"/hearings/{concluded.id}/minutes.pdf")
    reader = browser(world.organiser)
    with statements() as said:
        assert reader.get(f"/hearings/{concluded.id}/minutes").status_code == 200
    assert len(said) <= 14, "\n".join(said)


def test_the_hearings_page_leads_to_the_word_file_where_there_is_one(world, browser, concluded, publish):
    publish(concluded)
    base = f"/hearings/{concluded.id}/minutes"
    reader = browser(world.leader)
    page = reader.get(f"/hearings/{concluded.id}").text
    assert f'href="{base}.pdf"' in page and f'href="{base}.docx"' in page
    assert reader.get(f"{base}.docx").status_code == 200
    publish(concluded, docx=None)
    page = reader.get(f"/hearings/{concluded.id}").text
    assert f'href="{base}.pdf"' in page and f'href="{base}.docx"' not in page
    assert f'href="{base}.docx?version=1"' in page
