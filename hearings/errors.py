"""The one way to say no."""


class RuleBroken(Exception):
    """A rule of the house forbids what was asked.

    `message` is a whole sentence in the reader's language; `field` names the form field it belongs beside.
    A route turns it into a sentence at the field, or into a 409 page.
    """

    def __init__(self, message: object, field: str | None = None):
        super().__init__(str(message))
        self.message = message
        self.field = field
