"""The service signs with the new key, and its own token opens what the old key no longer does."""

from __future__ import annotations

import json
import urllib.request
from urllib.error import HTTPError

import pytest

SERVICE = "http://127.0.0.1:24801"


def get(path, token=""):
    request = urllib.request.Request(f"{SERVICE}{path}", headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def test_a_token_of_the_service_itself_is_taken():
    assert get("/whoami", get("/token")["token"]) == {"sub": "lab"}
    with pytest.raises(HTTPError, match="401"):
        get("/whoami")


def test_the_process_holds_the_new_key_alone(host, value):
    pid = host.service("mas-orchestrator").systemd_properties["MainPID"]
    held = dict(pair.split("=", 1) for pair in host.file(f"/proc/{pid}/environ").content_string.split("\0") if pair)
    assert held["JWT_SIGNING_KEY"] == value(2)
    assert json.loads(held["JWT_VERIFY_KEYS"]) == [value(2)]


def test_an_unsigned_token_is_refused_too(replies):
    assert replies.of("side_effect", "probe random")["evidence"]["alg_none"] == "401"
