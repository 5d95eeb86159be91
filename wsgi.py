"""What the server loads: `wsgi:app`."""

from hearings import create_app

app = create_app()
