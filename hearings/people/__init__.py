"""Departments, people, their roles; signing in; administration."""


def login_name(words: str) -> str:
    """A login name as stored: lower case, no blanks around (the library's mapper)."""
    return words.strip().lower()
