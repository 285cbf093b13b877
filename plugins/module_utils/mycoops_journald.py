"""Reads what the host's journal took in since a moment, byte for byte, and names the unit an entry is of."""

from __future__ import annotations

import subprocess
import typing

LIMIT = 64 << 20
SECONDS = 60.0
NAMES = (b"_SYSTEMD_UNIT", b"_SYSTEMD_USER_UNIT", b"SYSLOG_IDENTIFIER", b"_COMM")
"""What an entry is named after: the first of these that it has."""


def export(since: float) -> typing.Tuple[bytes, str]:
    """Return the entries in journald's export format, and what is missing of them: empty, or a sentence.

    `since` is in seconds since 1970."""
    argv = ["journalctl", "--quiet", "--no-pager", "--output=export", f"--since=@{int(since)}"]
    try:
        subprocess.run(["journalctl", "--sync"], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as asked:
            assert asked.stdout is not None
            data = asked.stdout.read(LIMIT + 1)
            whole = len(data) <= LIMIT
            if not whole:
                asked.kill()
            status = asked.wait(SECONDS)
    except FileNotFoundError:
        return b"", "journald: there is no journalctl"
    except subprocess.TimeoutExpired:
        return b"", f"journald: no answer within {SECONDS:.0f} s"
    if not whole:
        return data, f"journald: all but the first {LIMIT >> 20} MB since the run began"
    return data, f"journald: journalctl ended with status {status}" if status else ""


def entries(data: bytes) -> typing.Iterator[typing.Tuple[str, bytes]]:
    """Yield each entry of an export as its name and its bytes."""
    at, begin = 0, 0
    fields: typing.Dict[bytes, bytes] = {}
    while at < len(data):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        name, plain, value = data[at:end].partition(b"=")
        if not name:
            yield _name(fields), data[begin:at]
            fields, begin = {}, end + 1
        elif not plain:
            length = int.from_bytes(data[end + 1 : end + 9], "little")
            end += 9 + length
        fields[name] = value
        at = end + 1
    if fields:
        yield _name(fields), data[begin:]


def _name(fields: typing.Mapping[bytes, bytes]) -> str:
    return next((fields[name].decode("utf-8", "replace") for name in NAMES if name in fields), "an unnamed entry")
