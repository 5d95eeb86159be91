"""The README's pictures, taken of the demo: `python -m tests.browser.pictures`.

They go to `.readme/`, with a palette of 256 colours, so that the repository stays small. The demo is loaded into a
place of its own; a running product is not touched. Thunderbird's are what `make check-thunderbird` saw last.
"""

import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page
from sqlalchemy import select

from hearings.db import db, today
from hearings.demo.loader import Loader
from hearings.issues.models import Issue, IssueStatus
from hearings.reviews.models import Confirmation, ConfirmationStatus
from hearings.schedule.models import Hearing, HearingStatus
from tests import factories
from tests.browser import chromium as kit
from tests.conftest import make_app
from tests.server import ROOT, serving

FOLDER = ROOT / ".readme"
SHOTS = ROOT / "tests" / "browser" / "shots"
MOST = 150 * 1024
DESK = {"width": 1280, "height": 800}


def demo(folder: Path) -> dict[str, Any]:
    """Load the demo into the folder; ids of what is shown."""
    app = make_app(f"sqlite:///{folder / 'demo.db'}", folder)
    with app.app_context():
        db.create_all()
        Loader(today(), factories.PASSWORD).load()
        ninth = db.session.scalars(select(Hearing).where(Hearing.serial_no == 9)).one()
        asked = db.session.scalars(
            select(Confirmation)
            .join(Confirmation.deputy)
            .where(Confirmation.status == ConfirmationStatus.ASKED)
            .order_by(Confirmation.id)
        ).first()
        found = {
            "ninth": ninth.id,
            "tonight": db.session.scalar(select(Hearing.id).where(Hearing.status == HearingStatus.IN_SESSION)),
            "bridge": db.session.scalar(
                select(Issue.id).where(
                    Issue.hearing_id == ninth.id, Issue.number == 3, Issue.status == IssueStatus.STRUCK_OFF
                )
            ),
            "asked": asked.id if asked else None,
            "asked_of": asked.deputy.username if asked else None,
        }
        db.session.remove()
        db.engine.dispose()
    return found


def keep(source: Path, name: str, width: int) -> None:
    """Make the picture small: at most this wide, 256 colours, without what nobody sees."""
    with closing(Image.open(source)) as picture:
        small = picture.convert("RGB")
        if small.width > width:
            small = small.resize((width, small.height * width // small.width), Image.Resampling.LANCZOS)
        for colours in (256, 128, 64, 32):
            path = FOLDER / f"{name}.png"
            small.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
            if path.stat().st_size <= MOST:
                break
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1024} KB  {small.width} × {small.height}")


def keep_thunderbird() -> None:
    """What Thunderbird showed, where it was run."""
    for name in ("thunderbird-invitation", "thunderbird-change"):
        if (SHOTS / f"{name}.png").exists():
            keep(SHOTS / f"{name}.png", name, 1280)


def fill_in(page: Page) -> None:
    """A form half filled in says more than an empty one."""
    page.fill("[name=statement]", "明州路公交站台没有座椅和雨棚，老人等车只能站着，雨天没处躲。盼加装座椅和雨棚。")
    page.fill("[name=place]", "明州路公交站")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def see_the_answer(page: Page) -> None:
    """To where the deputy says yes or no."""
    page.evaluate(
        "scrollBy(0, document.querySelector('.answer form .btn').getBoundingClientRect().bottom - innerHeight + 120)"
    )


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        known = demo(folder)
        shots = (
            ("front", "organiser", "/", DESK, None),
            ("calendar", "organiser", "/hearings/calendar", DESK | {"height": 960}, None),
            ("hearing", "organiser", f"/hearings/{known['ninth']}", DESK | {"height": 1150}, None),
            ("session", "organiser", f"/hearings/{known['tonight']}/session", {"width": 1440, "height": 960}, None),
            ("issue", "organiser", f"/issues/{known['bridge']}", {"width": 1100, "height": 1400}, None),
            ("phone-form", "deputy", f"/hearings/{known['tonight']}/issues/new", kit.PHONE, fill_in),
            ("phone-confirmation", known["asked_of"], f"/confirmations/{known['asked']}", kit.PHONE, see_the_answer),
        )
        with serving(f"sqlite:///{folder / 'demo.db'}", folder) as server, kit.browser() as running:
            for name, login, path, size, prepare in shots:
                profile = kit.context(running, server.base, viewport=size)
                page = profile.new_page()
                kit.sign_in(page, login)
                answer = page.goto(path, wait_until="networkidle")
                assert answer is not None and answer.ok, path
                if prepare:
                    prepare(page)
                page.screenshot(path=folder / f"{name}.png")
                keep(folder / f"{name}.png", name, size["width"])
                profile.close()
            profile = kit.context(running, server.base)
            page = profile.new_page()
            kit.sign_in(page, "organiser")
            paper = profile.request.get(f"/hearings/{known['ninth']}/minutes.pdf")
            assert paper.ok
            (folder / "minutes.pdf").write_bytes(paper.body())
            profile.close()
        pdftoppm = shutil.which("pdftoppm") or sys.exit("pdftoppm is missing: apt-get install poppler-utils.")
        paths = [folder / "minutes.pdf", folder / "minutes"]
        subprocess.run([pdftoppm, "-png", "-r", "150", "-l", "1", "-singlefile", *paths], check=True)
        keep(folder / "minutes.png", "minutes", 720)
    keep_thunderbird()


if __name__ == "__main__":
    main()
