"""Liaison stations from a spreadsheet."""

from collections.abc import Callable, Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from ..documents.rows import Column, Row
from ..people.importing import Kind, say_errors
from ..web import me
from . import operations
from .forms import StationForm

STATIONS = (
    Column("code", _l("Code"), ("代码", "编号", "Code"), _l("Short and for good, such as XQ."), required=True),
    Column("name", _l("Name"), ("名称", "联络站", "联络站名称", "代表联络站", "Name"), required=True),
    Column(
        "street",
        _l("Street"),
        ("街道", "所属街道", "Street"),
        _l("Its short name, without “street”."),
        required=True,
    ),
    Column("address", _l("Address"), ("地址", "Address"), required=True),
    Column("capacity", _l("Seats"), ("座位数", "座位", "容纳人数", "Seats")),
    Column("contact", _l("Contact"), ("联系人", "Contact")),
    Column("contact_phone", _l("Office phone"), ("办公电话", "联系电话", "电话", "Office phone", "Telephone")),
)  # fmt: skip


def begin_stations(rows: Sequence[Row]) -> Callable[[Row], None]:
    """Stations, as their form takes them; none has a calendar for everybody until somebody says so."""

    def take(row: Row) -> None:
        cells = {column.key: row.cells.get(column.key, "") for column in STATIONS}
        row.shown = list(cells.values())
        form = StationForm(MultiDict(cells), meta={"csrf": False})
        if not form.validate() and say_errors(form, row, STATIONS):
            return
        operations.create_station(**{key: form[key].data for key in cells}, actor=me())

    return take


stations = Kind(
    title=_l("Stations from a spreadsheet"),
    lead=_l("All stations at once: copy the rows in Excel or WPS with the line of heads, and paste them."),
    columns=STATIONS,
    begin=begin_stations,
    back="/stations/",
    back_label=_l("Stations"),
    said=lambda count: _("%(count)d stations have been added.", count=count),
    button=lambda count: _("Add %(count)d stations", count=count),
)
