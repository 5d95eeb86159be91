"""Which characters some typefaces share.

Run as a plain script: the maps of five Chinese faces take 80 MB to read, most of which the process that has read them
never gives back. They go with this one.
"""

import json
import sys

from fontTools.ttLib import TTFont


def shared(faces: list[tuple[str, int]]) -> str:
    """The characters that every one of these faces has, in order. A face is a file and its number in the file."""
    maps = [set(TTFont(path, fontNumber=index, lazy=True).getBestCmap() or {}) for path, index in faces]
    common = set.intersection(*maps) if maps else set()
    return "".join(chr(code) for code in sorted(common) if code >= 32 and not 0xD800 <= code < 0xE000)


if __name__ == "__main__":
    sys.stdout.buffer.write(shared(json.load(sys.stdin)).encode())
