"""A group's robot in DingTalk or WeCom: one signed webhook call per message."""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request

from flask import current_app

TIMEOUT = 10.0
LATER = (408, 425, 429)
"""Answers of HTTP that ask for patience."""
MOST_BYTES = 2048
"""Of a text, in UTF-8: WeCom takes no more; DingTalk takes more, but nobody reads more in a chat."""


class Refused(Exception):
    """A message did not go out: for good, or for now; `words` are the server's.

    `nobody_there`: the server takes none at present, so there is no use in trying the next one at once.
    `fate_unknown`: it was handed over, and the line broke before the server said whether it has it.
    """

    def __init__(self, words: str, *, for_good: bool, nobody_there: bool = False, fate_unknown: bool = False):
        super().__init__(words)
        self.words, self.for_good = words, for_good
        self.nobody_there, self.fate_unknown = nobody_there, fate_unknown


def signed(url: str, secret: str, at: float) -> str:
    """The address with timestamp and signature, as DingTalk's robots want it (加签).

    HMAC-SHA256 keyed with the secret over `<milliseconds>\\n<secret>`, in base64, percent-encoded; it holds for an
    hour. A WeCom robot has no signature (its key stands in the address), and no ROBOT_SECRET is set for it.
    """
    stamp = str(round(at * 1000))
    seal = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    extra = urllib.parse.urlencode({"timestamp": stamp, "sign": base64.b64encode(seal).decode()})
    return f"{url}{'&' if '?' in url else '?'}{extra}"


def fit(subject: str, text: str, keyword: str = "") -> str:
    """The words as one text that both robots take; the address at its end stays whole.

    With a keyword (自定义关键词) that they do not hold, it stands before them: DingTalk drops what lacks it.
    """
    words = f"{subject}\n{text}"
    if keyword not in words:
        words = f"{keyword} {words}"
    if len(words.encode()) <= MOST_BYTES:
        return words
    head, _sep, last = words.rpartition("\n")
    tail = f"…\n{last}" if last.startswith(("http://", "https://")) else "…"
    room = MOST_BYTES - len(tail.encode())
    return (head if len(tail) > 1 else words).encode()[:room].decode(errors="ignore") + tail


def send(url: str, subject: str, text: str) -> None:
    """Post one text message. Raises `Refused`."""
    if not url.startswith(("http://", "https://")):
        raise Refused("not a web address", for_good=True)
    secret = current_app.config["ROBOT_SECRET"]
    words = fit(subject, text, str(current_app.config["ROBOT_KEYWORD"]))
    body = json.dumps({"msgtype": "text", "text": {"content": words}}).encode()
    request = urllib.request.Request(
        signed(url, secret, time.time()) if secret else url,
        data=body,
        headers={"Content-Type": "application/json; charset=utf-8"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            said = json.loads(answer.read(65536) or b"{}")
    except urllib.error.HTTPError as trouble:
        raise Refused(
            f"HTTP {trouble.code}", for_good=400 <= trouble.code < 500 and trouble.code not in LATER
        ) from trouble
    except (OSError, ValueError) as trouble:
        raise Refused(f"{type(trouble).__name__}: {trouble}", for_good=False) from trouble
    if not isinstance(said, dict):
        raise Refused("the answer is no object", for_good=False)
    if said.get("errcode", 0) != 0:
        raise Refused(f"{said.get('errcode')} {said.get('errmsg', '')}", for_good=False)
