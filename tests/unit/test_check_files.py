"""`check` finds a file that its program would not read, and a service that would never be seen to have a new value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mycoops import catalogue
from mycoops.check import declarations
from mycoops.check_files import files
from mycoops.delivery import Generations, Requests
from mycoops.errors import Invalid
from mycoops.kinds import Kind
from tests.unit.fleets import document, subject, write

Change = Callable[[dict[str, Any]], Any]
LINE = "db:5432:app:*"


def pgpass(**more: Any) -> dict[str, Any]:
    """A password file of libpq with one entry."""
    return {"path": "/home/app/.pgpass", "format": "pgpass", "owner": "app", "variables": [LINE], **more}


def job(data: dict[str, Any], file: dict[str, Any] | None = None, form: str = "<value>", **more: Any) -> None:
    """Let a job use the password of db by a file; its entry is the file's first one."""
    file = file or pgpass()
    name = file["variables"][0]
    data["mycoops_services"]["report"] = {"host": "h1", "job": {}, "reads": [name], "files": [file], **more}
    data["mycoops_credentials"]["db"]["consumers"].append({"service": "report", "env": {name: form}})


def token(**more: Any) -> dict[str, Any]:
    return {"path": "/etc/app/token", "format": "whole", "variables": ["TOKEN_FILE"], **more}


def test_nothing_is_wrong_with_good_files(tmp_path: Path) -> None:
    data = document()
    job(data)
    made = subject(tmp_path, data)
    assert declarations(made) + files(made) == []


WRONG: dict[str, tuple[Change, str]] = {
    "one login where it changes": (
        lambda d: job(d, pgpass(variables=["db:5432:app:app_a"])),
        "names one login, and the login changes with each generation",
    ),
    "no line of libpq": (lambda d: job(d, pgpass(variables=["PASSWORD"])), "'PASSWORD' is not an entry of /home/app/.pgpass"),
    "no key of mount.cifs": (
        lambda d: job(d, {"path": "/etc/cifs", "format": "cifs", "variables": ["pwd"]}),
        "'pwd' is not an entry of /etc/cifs (cifs)",
    ),
    "no hash": (lambda d: job(d, {"path": "/etc/mq", "format": "mosquitto", "variables": ["app"]}), "Mosquitto keeps hashes"),
    "no variable": (
        lambda d: (
            d["mycoops_services"]["api"]["reads"].append("A:B"),
            d["mycoops_credentials"]["db"]["consumers"][0]["env"].update({"A:B": "<value>"}),
        ),
        "'A:B' is not the name of a variable",
    ),
    "an environment that reloads": (
        lambda d: d["mycoops_services"]["api"]["env_file"].update(reload=True),
        "api: the environment of a process does not change on a reload",
    ),
    "a reload that nobody sees": (
        lambda d: job(d, token(reload=True), job=None, unit="mq.service"),
        "report: nothing would tell whether a reload took what /etc/app/token holds",
    ),
    "a unit and a container on one port": (
        lambda d: d["mycoops_services"]["job"].update(
            host="h1", unit="", container={"name": "x", "image": "x"}, health={"url": "http://127.0.0.1:8000/other"}
        ),
        "port 8000 of h1 is served by both a unit and a container: api and job",
    ),
    "a credential, until it is acknowledged everywhere": (
        lambda d: job(d, token(credential="token"), job=None, unit="report.service"),
        "report: a copy that systemd hands over cannot be acknowledged on every host yet",
    ),
    "two formats of one file": (
        lambda d: job(d, token(path="/etc/api.env")),
        "/etc/api.env: api and report declare different formats",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_is_found_with_its_line(tmp_path: Path, name: str) -> None:
    change, words = WRONG[name]
    data = document()
    change(data)
    found = files(subject(tmp_path, data))
    assert [finding for finding in found if words in finding.problem], [finding.problem for finding in found]
    assert all(":" in finding.place and finding.fix for finding in found)


REFUSED: dict[str, tuple[Change, str]] = {
    "readable for others": (lambda d: job(d, pgpass(mode="0640")), "libpq ignores a password file that others may read"),
    "two whole contents": (lambda d: job(d, token(variables=["A", "B"])), "a whole content is one entry"),
    "a credential that reloads": (lambda d: job(d, token(credential="token", reload=True)), "systemd copies a credential"),
    "a credential of a job": (lambda d: job(d, token(credential="token")), "only systemd hands over a credential"),
    "no file": (lambda d: d["mycoops_services"]["api"].pop("env_file"), "it reads no file"),
    "a job and a unit": (lambda d: job(d, unit="x.service"), "not exactly one of unit, container, job"),
    "a job that restarts": (lambda d: job(d, apply="restart"), "a job has no process to restart"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_cannot_be_declared(tmp_path: Path, name: str) -> None:
    change, words = REFUSED[name]
    data = document()
    change(data)
    write(tmp_path, data)
    with pytest.raises(Invalid) as caught:
        catalogue.load(tmp_path)
    assert [finding for finding in caught.value.findings if words in finding.problem], caught.value.findings


def asked(data: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The request of a deploy to the host of `report`."""
    made = subject(tmp_path, data)
    kinds = {name: kind for name, kind in made.kinds.items() if isinstance(kind, Kind)}
    generations = Generations({("db", "report"): 2, ("db", "api"): 2}, {}, {}, {("db", 2): "b"})
    return Requests(made.catalogue, kinds, generations, 1).for_services(["report"])["h1"]


def test_a_job_is_asked_for_by_its_file(tmp_path: Path) -> None:
    data = document()
    job(data, job={"program": "/usr/local/bin/report"})
    request = asked(data, tmp_path)
    assert [(file["path"], file["readers"]) for file in request["files"]] == [("/home/app/.pgpass", ["pgpass"])]
    assert request["files"][0]["entries"][0]["value"]["generation"] == 2
    service = request["services"][0]
    assert (service["apply"], service["holds"], service["files"]) == ("next-run", [], ["/home/app/.pgpass"])
    assert request["drop_ins"] == []


def test_a_command_makes_every_file_of_a_job_one_that_is_read_again(tmp_path: Path) -> None:
    data = document()
    job(data, token(), job={"command": ["mount", "-o", "remount", "/srv/share"]})
    service = asked(data, tmp_path)["services"][0]
    assert (service["apply"], service["reload_files"]) == ("reload", ["/etc/app/token"])


def test_a_credential_is_handed_over_by_the_drop_in(tmp_path: Path) -> None:
    data = document()
    job(data, token(credential="token"), job=None, unit="report.service")
    request = asked(data, tmp_path)
    assert request["drop_ins"] == [{"unit": "report.service", "env_files": [], "credentials": {"token": "/etc/app/token"}}]
    assert request["services"][0]["credentials"] == {"token": "/etc/app/token"}
