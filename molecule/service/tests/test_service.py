"""The process holds the values; what made it fail was taken back, and it runs."""

from __future__ import annotations


def test_the_process_holds_the_values(host, value):
    pid = host.service("mas-agent").systemd_properties["MainPID"]
    held = dict(pair.split("=", 1) for pair in host.file(f"/proc/{pid}/environ").content_string.split("\0") if pair)
    assert held["MINDEX_TOKEN"] == value(2)
    assert held["REDIS_URL"] == "redis://mindex:6379/0"


def test_the_file_has_its_previous_value_back(host):
    lines = host.file("/etc/mycosoft/mas-agent.env").content_string.splitlines()
    assert [line for line in lines if line.startswith("REDIS_URL=")] == ["REDIS_URL=redis://mindex:6379/0"]
    assert "AGENT_NAME=forager" in lines


def test_it_answers(host):
    assert host.service("mas-agent").is_running
    assert host.run("python3 -c 'import urllib.request as u; u.urlopen(\"http://127.0.0.1:8002/health\")'").rc == 0


def test_it_was_started_once_and_left_alone(replies):
    (first,), (again,) = (reply["services"] for run in ("converge", "idempotence") for reply in replies.all(run))
    assert (first["restarted"], again["restarted"]) == (True, False)
    assert first["pid"] == again["pid"]
