"""Answers an order as a host does on which everything is in place already."""

import json
import sys


def reply(request: "dict[str, list[dict[str, str]]]") -> "dict[str, object]":
    """What deliver.py says of such a host; to any other order, that there is nothing."""
    services = [
        {**dict.fromkeys(("restarted", "reloaded"), False), "name": one["name"], "holds": True, "healthy": True, "seconds": 0.0}
        for one in request.get("services", ())
    ]
    files = [
        {"path": one["path"], "changed": False, "created": False, "names": [], "removed": []} for one in request.get("files", ())
    ]
    return {"changed": False, "files": files, "services": services}


text = sys.stdin.read()
request = json.loads(text)["request"] if text.startswith("{") else {}
sys.stdout.write("\nMYCOOPS-REPLY " + json.dumps(reply(request)) + "\n")
