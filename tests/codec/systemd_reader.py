"""Reads env files as a systemd unit does: by `load_env_file` of the library its manager runs on, then its cleaning of names."""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path


def library() -> Path:
    """The library of the systemd that is installed; its name ends in the version."""
    places = ("*/systemd/libsystemd-shared-*.so", "systemd/libsystemd-shared-*.so")
    found = sorted(path for place in places for path in Path("/usr/lib").glob(place))
    if not found:
        raise FileNotFoundError("libsystemd-shared is not installed: make setup-test")
    return found[-1]


def read(shared: ctypes.CDLL, path: str) -> dict[str, str] | None:
    """What the manager would put into the environment; None where it would not start the unit."""
    taken = ctypes.POINTER(ctypes.c_char_p)()
    if shared.load_env_file(None, path.encode(), ctypes.byref(taken)) < 0:
        return None
    shared.strv_env_clean_with_callback.restype = ctypes.POINTER(ctypes.c_char_p)
    clean = shared.strv_env_clean_with_callback(taken, None, None)
    values: dict[str, str] = {}
    number = 0
    while clean and (pair := clean[number]) is not None:
        name, _, value = pair.decode().partition("=")
        values[name] = value
        number += 1
    shared.strv_free(clean)
    return values


if __name__ == "__main__":
    shared = ctypes.CDLL(str(library()))
    shared.load_env_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    json.dump([read(shared, f"{sys.argv[1]}/{number}.env") for number in range(int(sys.argv[2]))], sys.stdout)
