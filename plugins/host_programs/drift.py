"""Look at one host for what differs from what it has to hold and run on; nothing is written, and no value is told."""

from __future__ import annotations

import time
import typing

import mycoops_drift_copies as copies
from mycoops_delivery_files import under
from mycoops_digests import Digests
from mycoops_drift_files import File
from mycoops_drift_found import Found
from mycoops_drift_services import Look
from mycoops_fence import Fence
from mycoops_reply import Refusal

STATE = "/var/lib/mycoops"
Reply = typing.Dict[str, typing.Any]
Request = typing.Mapping[str, typing.Any]


def run(request: Request) -> Reply:
    """Compare with the request's digests, all under its `key`. What could not be looked at is told as `unseen`."""
    began, root = time.monotonic(), str(request.get("root") or "/")
    digests, found = Digests(str(request["key"]), request.get("kept") or ()), Found()
    fence = Fence(under(root, STATE))
    files = {file.path: file for file in (File(spec, root) for spec in request.get("files") or ())}
    for file in files.values():
        file.look(digests, found)
    copies.look(list(files.values()), digests, found)
    look = Look(root, files, request.get("drop_ins") or (), fence, digests, found)
    for spec in request.get("services") or ():
        try:
            look.service(spec)
        except Refusal as refusal:
            found.miss(str(spec.get("name")), refusal)
    _fence(request, fence, found)
    return {"findings": found.findings, "unseen": found.unseen, "seconds": round(time.monotonic() - began, 2)}


def _fence(request: Request, fence: Fence, found: Found) -> None:
    """What the host remembers to have been told, against what the store says."""
    token, concerned = int(request.get("token") or 0), request.get("concerned") or {}
    if "token" in request and fence.token > token:
        found.add("fence-ahead", "the lease", (), detail=f"the host has seen lease {fence.token}, this control node gave {token}")
    for credential, wanted in (request.get("generations") or {}).items():
        seen = fence.generations.get(credential, 0)
        if seen != int(wanted):
            what = "fence-behind" if seen < int(wanted) else "fence-ahead"
            found.add(what, credential, concerned.get(credential, ()), detail=f"the host has generation {seen}, the store {wanted}")
