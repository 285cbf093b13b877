"""File, drop-in and process of one request: all of it, or nothing."""

from __future__ import annotations

import json

FILE = "/etc/mycosoft/website.env"
UNIT = "website@green"


def test_file_drop_in_and_process_agree(host, value):
    url = f"postgresql://nobody:{value(2)}@127.0.0.1:1/none"
    assert host.file(FILE).content_string == f"DATABASE_URL={url}\n"
    assert (host.file(FILE).user, host.file(FILE).mode) == ("root", 0o600)
    properties = host.service(UNIT).systemd_properties
    assert FILE in properties["EnvironmentFiles"]
    held = host.file(f"/proc/{properties['MainPID']}/environ").content_string.split("\0")
    assert f"DATABASE_URL={url}" in held


def test_it_was_started_once_and_left_alone(host, replies):
    (first,), (again,) = (reply["services"] for run in ("converge", "idempotence") for reply in replies.all(run))
    assert (first["restarted"], again["restarted"]) == (True, False)
    assert first["pid"] == again["pid"] == int(host.service(UNIT).systemd_properties["MainPID"])


def test_one_malformed_file_stops_all_of_it(host):
    assert host.file("/etc/mycosoft/half.env").content_string == 'A=1\nB="open\n'


def test_what_was_refused_is_not_remembered(host):
    fence = json.loads(host.file("/var/lib/mycoops/fence.json").content_string)
    assert (fence["token"], fence["generations"]["delivery"]) == (7, 2)
