"""A small load generator (keep-alive connections, raw sockets, so that it costs the server little of two cores), and
somebody who reads lists one after the other.
"""

import hashlib
import http.client
import multiprocessing
import re
import socket
import statistics
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

from itsdangerous import Signer

from tests.benchmarks.data import PASSWORD

PROCESSES, SECONDS = 2, 4.0
CONNECTIONS = 2


@dataclass(frozen=True)
class Result:
    """What one page gave."""

    per_second: float
    p50: float
    p95: float
    """Milliseconds."""
    status: int
    size: int
    count: int


def _read(connection: socket.socket, buffer: bytearray) -> tuple[int, int]:
    """One answer: (status, length of the body)."""
    while (end := buffer.find(b"\r\n\r\n")) < 0:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("closed")
        buffer += piece
    head = bytes(buffer[:end]).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    length = 0
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name == "content-length":
            length = int(value)
    whole = end + 4 + length
    while len(buffer) < whole:
        buffer += connection.recv(65536)
    del buffer[:whole]
    return status, length


def _hammer(port: int, requests: Sequence[bytes], seconds: float, out: "multiprocessing.Queue[object]") -> None:
    connections = []
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.settimeout(60)
        connections.append([connection, bytearray(), 0.0])
    times: list[float] = []
    status = size = sent = 0
    until = time.perf_counter() + seconds
    for slot in connections:
        slot[2] = time.perf_counter()
        slot[0].sendall(requests[sent % len(requests)])
        sent += 1
    waiting = list(connections)
    while waiting:
        slot = waiting.pop(0)
        status, size = _read(slot[0], slot[1])
        done = time.perf_counter()
        times.append(done - slot[2])
        if done < until and (len(requests) == 1 or sent < len(requests)):
            slot[2] = time.perf_counter()
            slot[0].sendall(requests[sent % len(requests)])
            sent += 1
            waiting.append(slot)
    out.put((times, status, size))


def run(port: int, requests: Callable[[int], Sequence[bytes]], seconds: float = SECONDS) -> Result:
    """Send for `seconds`; `requests(process)` gives the bytes of that process's requests (one: again and again)."""
    out: multiprocessing.Queue[object] = multiprocessing.Queue()
    clients = [
        multiprocessing.Process(target=_hammer, args=(port, requests(i), seconds, out)) for i in range(PROCESSES)
    ]
    start = time.perf_counter()
    for client in clients:
        client.start()
    answers = [out.get() for _ in clients]
    wall = time.perf_counter() - start
    for client in clients:
        client.join()
    times = sorted(t for a in answers for t in a[0])  # type: ignore[index]
    cut = statistics.quantiles(times, n=100) if len(times) > 1 else [times[0]] * 99
    return Result(len(times) / wall, cut[49] * 1000, cut[94] * 1000, answers[0][1], answers[0][2], len(times))  # type: ignore[index]


def get(path: str, cookie: str = "") -> bytes:
    """The bytes of a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nAccept-Language: zh-CN\r\n\r\n".encode()


def post(path: str, body: str, cookie: str) -> bytes:
    """The bytes of a form."""
    raw = body.encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


def sign_in(port: int, username: str) -> tuple[str, str]:
    """(cookie, csrf token)."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    base = f"http://127.0.0.1:{port}"

    def token(page: str) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert found, page[:300]
        return found[1]

    first = opener.open(f"{base}/login").read().decode()
    form = {"username": username, "password": PASSWORD, "csrf_token": token(first)}
    opener.open(f"{base}/login", urlencode(form).encode()).read()
    page = opener.open(f"{base}/").read().decode()
    return "; ".join(f"{c.name}={c.value}" for c in jar), token(page)


def form_ids(folder: Path, user: int, count: int, tag: str) -> list[str]:
    """So many one-time form ids of a person, as pages would carry them."""
    signer = Signer((folder / "secret-key").read_text().strip(), salt="form", digest_method=hashlib.sha256)
    return [signer.sign(f"{user}.{tag}{i:07d}").decode() for i in range(count)]


# -- one person who reads ----------------------------------------------------------------------------------


class Reader:
    """One keep-alive connection of a signed-in person."""

    LISTS = ("/hearings/", "/issues/", "/commitments/")

    def __init__(self, port: int, cookie: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Cookie": cookie, "Accept-Language": "zh-CN"}

    def get(self, path: str, **headers: str) -> tuple[float, http.client.HTTPResponse]:
        """Seconds until the last byte, and the answer."""
        begun = time.perf_counter()
        self.connection.request("GET", path, headers=self.headers | headers)
        answer = self.connection.getresponse()
        answer.read()
        return time.perf_counter() - begun, answer

    def lists(self, until: Callable[[int], bool], *, pause: float = 0.02) -> list[float]:
        """Read the three lists in turn, with a pause after each round, until told (by how many were read)."""
        times: list[float] = []
        while not until(len(times)):
            for path in self.LISTS:
                seconds, answer = self.get(path)
                assert answer.status == 200
                times.append(seconds)
            time.sleep(pause)
        return times


def p95(times: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(times, n=20)[-1]
