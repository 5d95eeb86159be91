"""The typefaces the tests print with: as the office has them, and with nothing but Noto CJK."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hearings.documents import fonts, pdf


@pytest.fixture(scope="session", autouse=True)
def _no_child_left() -> Iterator[None]:
    yield
    pdf.close()


@pytest.fixture(scope="session")
def no_fonts_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty fonts directory: only the system's faces."""
    return tmp_path_factory.mktemp("fonts")


@pytest.fixture(scope="session", params=["fandol", "noto"])
def fonts_dir(request: pytest.FixtureRequest, no_fonts_dir: Path) -> Path:
    """Both sets in turn; a set that is not on this machine is skipped by name."""
    directory = fonts.FONTS_DIR if request.param == "fandol" else no_fonts_dir
    faces = {service.face.family for service in fonts.services(directory) if service.face}
    wanted = "FandolFang-Regular" if request.param == "fandol" else "NotoSerifCJKsc-Regular"
    if wanted not in faces:
        pytest.skip(f"{wanted} is not installed here: flask --app wsgi fonts fetch")
    return directory
