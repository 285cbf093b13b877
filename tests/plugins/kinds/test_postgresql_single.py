"""The kind postgresql_single against a real server: one password at a time, and a way back until the new one has worked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from kind_programs import calling, new_value
from kind_servers import Postgres
from kind_timer import Timer

from mycoops.values import scram_verifier

cut = calling("kind_postgresql_single", "postgresql_cut")
login = calling("kind_postgresql_single", "postgresql_login")


class Role:
    """One role of a real server, its old and new value, and a stand-in for systemd."""

    def __init__(self, postgres: Postgres, timer: Timer, name: str = "single") -> None:
        self.postgres, self.timer, self.name = postgres, timer, name
        self.old, self.new = new_value(), new_value()
        postgres.sql(f'DROP ROLE IF EXISTS "{name}"; CREATE ROLE "{name}" LOGIN IN ROLE app_owner PASSWORD \'{self.old}\'')

    def ask(self, entry: str, **more: Any) -> dict[str, Any]:
        """One entry on the way there."""
        values = {"value": scram_verifier(self.new), "previous_value": scram_verifier(self.old)}
        names = {"principal": self.name, "previous_principal": self.name, "generation": 2, "previous": 1}
        return cut(
            {"id": "1", "entry": entry, "options": self.postgres.options(**more.pop("options", {})), **names, **values, **more}
        )

    def back(self, entry: str) -> dict[str, Any]:
        """One entry on the way back: old and new are exchanged."""
        values = {"value": scram_verifier(self.old), "previous_value": scram_verifier(self.new)}
        return self.ask(entry, generation=1, previous=2, **values)

    def probe(self, value: str, subject: str = "new") -> str:
        """What a fresh login with a value ends in."""
        names = {"principal": self.name, "previous_principal": self.name, "subject": subject}
        return str(login({"id": "1", "entry": "probe", "options": self.postgres.options(), "value": value, **names})["outcome"])

    @property
    def accepted(self) -> tuple[bool, bool]:
        """Whether the old and the new value open the role."""
        return self.probe(self.old, "old") == "accepted", self.probe(self.new) == "accepted"

    def stored(self) -> str:
        """What the catalog holds."""
        return self.postgres.sql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{self.name}'")


@pytest.fixture
def timer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Timer:
    return Timer(tmp_path, monkeypatch)


@pytest.fixture
def role(postgres: Postgres, timer: Timer) -> Role:
    return Role(postgres, timer)


def test_the_whole_way(role: Role) -> None:
    assert role.ask("preflight")["evidence"]["version"]
    assert role.ask("stage")["done"] is True
    assert role.timer.armed
    (kept,) = role.timer.kept()
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert role.accepted == (True, False)
    assert role.ask("cutover")["done"] is True
    assert role.accepted == (False, True)
    assert role.probe(new_value(), "random") == "refused"
    assert role.ask("persist")["persisted"] is False
    assert role.ask("confirm")["changed"] is True
    assert (role.timer.armed, role.timer.kept()) == (False, [])
    assert role.ask("confirm")["changed"] is False
    assert role.ask("persist")["persisted"] is True


def test_no_value_and_no_verifier_is_in_a_command_a_reply_or_the_log(role: Role) -> None:
    first = role.stored()
    replies = [role.ask(entry) for entry in ("preflight", "stage", "cutover", "confirm", "persist")]
    shown = str(replies) + str(role.timer.commands)
    assert not [text for text in (role.old, role.new, first, scram_verifier(role.new)) if text in shown]
    assert role.new not in role.postgres.log


def test_open_sessions_go_on_and_fresh_ones_need_the_new_value(role: Role) -> None:
    where = {"host": "127.0.0.1", "port": role.postgres.port, "dbname": "app", "user": role.name}
    with psycopg.connect(**where, password=role.old) as connection:
        role.ask("cutover")
        assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(**where, password=role.old)
        psycopg.connect(**where, password=role.new).close()


def test_a_timer_that_runs_out_puts_back_what_the_server_had_made_itself(role: Role) -> None:
    first = role.stored()
    role.ask("stage")
    for _ in range(3):
        role.ask("cutover")
    role.timer.fire()
    assert (role.stored(), role.accepted) == (first, (True, False))
    assert role.ask("confirm")["error"]["code"] == "not_in_force"
    assert role.ask("cutover")["done"] is True
    assert role.timer.armed
    assert role.ask("confirm")["done"] is True


def test_a_role_without_a_password_gets_its_first_and_the_timer_would_take_it_again(role: Role) -> None:
    role.postgres.sql("ALTER ROLE single PASSWORD NULL")
    assert role.ask("preflight")["error"]["code"] == "no_password"
    role.ask("stage")
    role.ask("cutover")
    assert role.accepted == (False, True)
    role.timer.fire()
    assert role.stored() == ""


def test_what_an_older_run_left_behind_is_not_put_back(role: Role) -> None:
    first = role.stored()
    role.ask("stage")
    (kept,) = role.timer.kept()
    kept.write_text(f"ALTER ROLE single PASSWORD '{scram_verifier(new_value())}';\n")
    role.timer.armed = False
    role.ask("cutover")
    role.timer.fire()
    assert role.stored() == first


def test_restore_puts_the_old_password_back_at_once_and_can_be_repeated(role: Role) -> None:
    role.ask("cutover")
    assert role.ask("restore")["evidence"]["restored"] == "yes"
    assert role.accepted == (True, False)
    assert role.ask("restore")["changed"] is False
    assert not role.timer.armed


def test_restore_says_when_there_is_nothing_to_restore(role: Role) -> None:
    role.ask("cutover")
    role.ask("confirm")
    assert role.ask("restore")["error"]["code"] == "nothing_to_restore"
    assert role.back("confirm")["error"]["code"] == "nothing_to_restore"


def test_an_abort_disarms_a_stage_and_undoes_a_cut(role: Role) -> None:
    role.ask("stage")
    assert role.back("confirm")["evidence"]["restored"] == "not needed"
    assert (role.timer.armed, role.accepted) == (False, (True, False))
    role.ask("cutover")
    assert role.back("confirm")["done"] is True
    assert (role.timer.armed, role.accepted) == (False, (True, False))


def test_without_a_timer_nothing_is_cut(role: Role) -> None:
    role.timer.broken = True
    assert role.ask("stage")["error"]["code"] == "not_armed"
    assert role.ask("cutover")["error"]["code"] == "not_armed"
    assert role.accepted == (True, False)


@pytest.mark.parametrize(
    ("change", "code"),
    [("NOLOGIN", "no_login"), ("VALID UNTIL '2001-01-01'", "role_expired"), ("PASSWORD NULL", "no_password")],
)
def test_a_role_that_cannot_be_rotated_is_named_before_anything_else(role: Role, change: str, code: str) -> None:
    role.postgres.sql(f"ALTER ROLE single {change}")
    assert role.ask("preflight")["error"]["code"] == code


def test_a_host_without_timers_and_a_role_that_is_not_there_are_refused(role: Role) -> None:
    assert role.ask("preflight", principal="nobody")["error"]["code"] == "unknown_role"
    (role.timer.home.parent / "systemd").rmdir()
    assert role.ask("preflight")["error"]["code"] == "no_timer"
    assert role.ask("cutover")["error"]["code"] == "no_timer"
    assert role.accepted == (True, False)


def test_a_clear_password_is_turned_away(role: Role) -> None:
    assert role.ask("cutover", value=role.new)["error"]["code"] == "no_verifier"
    assert role.ask("confirm", value=role.new)["error"]["code"] == "no_verifier"


def test_check_mode_changes_nothing(role: Role) -> None:
    first = role.stored()
    for entry in ("stage", "cutover"):
        assert role.ask(entry, check=True)["changed"] is True
    assert (role.timer.commands, role.timer.kept(), role.stored()) == ([], [], first)


def test_hostile_and_unusual_names_stay_names(postgres: Postgres, timer: Timer) -> None:
    assert Role(postgres, timer).ask("cutover", principal="x'; DROP ROLE single; --")["error"]["code"] == "unknown_role"
    odd = Role(postgres, timer, "web-site/1 @x")
    for entry in ("preflight", "stage", "cutover"):
        assert odd.ask(entry)["done"] is True
    assert odd.accepted == (False, True)
    (kept,) = timer.kept()
    assert kept.name.startswith("revert-postgresql-")
    timer.fire()
    assert odd.accepted == (True, False)
