"""A host program that says its value everywhere, and crashes over it."""

from __future__ import annotations

import sys


def run(request):
    print("it is", request["value"])
    print("it is", request["value"], file=sys.stderr)
    raise RuntimeError("it was " + request["value"])
