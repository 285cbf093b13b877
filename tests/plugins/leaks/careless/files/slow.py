"""A host program that holds its value and takes its time: long enough to be ended in the middle."""

from __future__ import annotations

import pathlib
import time


def run(request):
    pathlib.Path(request["marker"]).write_text("started")
    time.sleep(60)
    return {"echo": request["value"]}
