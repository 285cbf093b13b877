"""The kind postgresql against a real server: what counts as accepted, refused and neither, and what a retry changes."""

from __future__ import annotations

import socket
import threading
from typing import Any

import psycopg
import pytest
from kind_programs import calling, new_value
from kind_servers import Postgres, free_port

from mycoops.values import scram_verifier

authority = calling("kind_postgresql", "postgresql_role")
login = calling("kind_postgresql", "postgresql_login")


def item(postgres: Postgres, entry: str, value: Any = None, **more: Any) -> dict[str, Any]:
    base = {"id": "1", "entry": entry, "principal": "app_b", "previous_principal": "app_a", "subject": "new", "value": value}
    options = postgres.options(**more.pop("options", {}))
    return {**base, "options": options, **more}


@pytest.fixture
def slots(postgres: Postgres) -> Postgres:
    postgres.slots("app")
    return postgres


def minted(postgres: Postgres, principal: str = "app_b") -> str:
    value = new_value()
    reply = authority(item(postgres, "mint", scram_verifier(value), principal=principal))
    assert reply["done"] is True
    assert reply["changed"] is True
    return value


def session(postgres: Postgres, user: str, value: str) -> psycopg.Connection[Any]:
    return psycopg.connect(host="127.0.0.1", port=postgres.port, dbname="app", user=user, password=value)


def probe(postgres: Postgres, value: str, **more: Any) -> dict[str, Any]:
    return login(item(postgres, "probe", value, **more))


class TestProbe:
    def test_a_minted_value_is_accepted_and_another_is_refused(self, slots: Postgres) -> None:
        value = minted(slots)
        accepted, refused = probe(slots, value), probe(slots, new_value())
        assert accepted["outcome"] == "accepted"
        assert accepted["evidence"]["auth"] == "scram-sha-256"
        assert refused["outcome"] == "refused"
        assert refused["evidence"]["sqlstate"] == "28P01"
        assert value not in str(accepted)

    def test_the_old_subject_logs_in_as_the_previous_principal(self, slots: Postgres) -> None:
        old = minted(slots, "app_a")
        assert probe(slots, old, subject="old")["outcome"] == "accepted"
        assert probe(slots, old)["outcome"] == "refused"

    def test_trust_accepts_a_random_value_without_asking(self, postgres: Postgres) -> None:
        postgres.sql("DROP ROLE IF EXISTS trusting_a; CREATE ROLE trusting_a LOGIN IN ROLE app_owner")
        reply = probe(postgres, new_value(), principal="trusting_a", subject="random")
        assert reply["outcome"] == "accepted"
        assert reply["evidence"]["auth"] == "none"

    @pytest.mark.parametrize("method", ["md5", "clear"])
    def test_older_methods_are_spoken(self, postgres: Postgres, method: str) -> None:
        value, user = new_value(), f"{method}_login"
        encryption = "md5" if method == "md5" else "scram-sha-256"
        statement = f"CREATE ROLE {user} LOGIN IN ROLE app_owner PASSWORD '{value}'"
        postgres.sql(f"DROP ROLE IF EXISTS {user}; SET password_encryption = '{encryption}'; {statement}")
        assert probe(postgres, value, principal=user)["outcome"] == "accepted"
        assert probe(postgres, new_value(), principal=user)["outcome"] == "refused"

    def test_a_connection_limit_is_not_a_refusal(self, slots: Postgres) -> None:
        value = minted(slots)
        slots.sql("ALTER ROLE app_b CONNECTION LIMIT 0")
        reply = probe(slots, value)
        slots.sql("ALTER ROLE app_b CONNECTION LIMIT -1")
        assert reply["outcome"] == "unreachable"
        assert reply["evidence"]["sqlstate"] == "53300"

    def test_a_rejecting_hba_line_is_not_a_refusal(self, postgres: Postgres) -> None:
        reply = probe(postgres, new_value(), principal="unlisted")
        assert reply["outcome"] == "forbidden"
        assert reply["evidence"]["sqlstate"] == "28000"

    def test_nologin_with_the_right_password_is_a_refusal(self, slots: Postgres) -> None:
        value = minted(slots)
        slots.sql("ALTER ROLE app_b NOLOGIN")
        reply = probe(slots, value)
        assert reply["outcome"] == "refused"
        assert reply["evidence"]["sqlstate"] == "28000"

    def test_no_permission_to_connect_is_forbidden(self, slots: Postgres) -> None:
        value = minted(slots)
        slots.sql("REVOKE CONNECT ON DATABASE app FROM PUBLIC; REVOKE app_owner FROM app_b")
        reply = probe(slots, value)
        slots.sql("GRANT CONNECT ON DATABASE app TO PUBLIC")
        assert reply["outcome"] == "forbidden"

    def test_nothing_listening_and_a_silent_peer_are_unreachable(self, postgres: Postgres) -> None:
        assert probe(postgres, new_value(), options={"port": free_port()})["outcome"] == "unreachable"
        with socket.create_server(("127.0.0.1", 0)) as silent:
            options = {"port": silent.getsockname()[1], "timeout_seconds": 0.2}
            assert probe(postgres, new_value(), options=options)["outcome"] == "unreachable"

    def test_an_impostor_that_accepts_without_knowing_the_verifier_is_not_believed(self, postgres: Postgres) -> None:
        with socket.create_server(("127.0.0.1", 0)) as fake:
            threading.Thread(target=_impostor, args=(fake,), daemon=True).start()
            reply = probe(postgres, new_value(), options={"port": fake.getsockname()[1], "timeout_seconds": 2})
        assert reply["outcome"] == "unreachable"

    def test_tls_is_verified_and_required_where_asked(self, slots: Postgres) -> None:
        slots.sql("DROP ROLE IF EXISTS encrypted; CREATE ROLE encrypted LOGIN IN ROLE app_owner")
        value = new_value()
        slots.sql(f"ALTER ROLE encrypted PASSWORD '{scram_verifier(value)}'")
        verified = {"address": "localhost", "tls": "verified", "ca_file": slots.certificate}
        assert probe(slots, value, principal="encrypted", options=verified)["outcome"] == "accepted"
        assert probe(slots, value, principal="encrypted", options={"tls": "unverified"})["outcome"] == "accepted"
        assert probe(slots, value, principal="encrypted")["outcome"] == "forbidden"
        unknown = {"address": "localhost", "tls": "verified"}
        assert probe(slots, value, principal="encrypted", options=unknown)["outcome"] == "unreachable"


def _impostor(fake: socket.socket) -> None:
    stream, _ = fake.accept()
    opening = stream.recv(4096)
    assert opening
    stream.sendall(_message(b"\0\0\0\x0aSCRAM-SHA-256\0\0"))
    nonce = stream.recv(4096).split(b"r=")[1]
    stream.sendall(_message(b"\0\0\0\x0br=" + nonce + b"x,s=AAAAAAAAAAAAAAAAAAAAAA==,i=4096"))
    stream.recv(4096)
    stream.sendall(_message(b"\0\0\0\x0cv=AAAA") + _message(b"\0\0\0\0") + b"Z\0\0\0\x05I")


def _message(body: bytes) -> bytes:
    return b"R" + (len(body) + 4).to_bytes(4, "big") + body


class TestPreflight:
    def test_trust_is_refused_because_nothing_can_be_verified(self, postgres: Postgres) -> None:
        postgres.sql("DROP ROLE IF EXISTS trusting_b; CREATE ROLE trusting_b LOGIN IN ROLE app_owner")
        reply = login(item(postgres, "preflight", new_value(), principal="trusting_b"))
        assert reply["error"]["code"] == "cannot_verify"

    def test_a_path_that_refuses_is_fine_even_before_the_slot_was_ever_used(self, slots: Postgres) -> None:
        assert login(item(slots, "preflight", new_value()))["done"] is True

    def test_a_rejected_path_blocks_a_consumer_and_not_the_authority_itself(self, postgres: Postgres) -> None:
        request = item(postgres, "preflight", new_value(), principal="unlisted")
        assert login(request)["error"]["code"] == "cannot_verify"
        assert login({**request, "at_authority": True})["done"] is True

    def test_a_dead_server_is_unreachable(self, postgres: Postgres) -> None:
        port = free_port()
        assert login(item(postgres, "preflight", new_value(), options={"port": port}))["error"]["code"] == "unreachable"
        assert authority(item(postgres, "preflight", options={"port": port}))["error"]["code"] == "authority_unreachable"

    def test_two_empty_slots_pass(self, slots: Postgres) -> None:
        reply = authority(item(slots, "preflight"))
        assert reply["evidence"]["owner"] == "app_owner"

    def test_a_session_on_the_free_slot_blocks(self, slots: Postgres) -> None:
        value = minted(slots)
        with session(slots, "app_b", value):
            reply = authority(item(slots, "preflight"))
        assert reply["error"]["code"] == "slot_in_use"
        assert reply["error"]["clients"] == "127.0.0.1"

    @pytest.mark.parametrize(
        ("prepare", "code"),
        [
            ("DROP ROLE app_b", "unknown_role"),
            ("ALTER ROLE app_b VALID UNTIL '2001-01-01'", "slot_expired"),
            ("REVOKE app_owner FROM app_b", "not_a_member"),
            ("ALTER ROLE app_a RESET role; ALTER ROLE app_b RESET role", "no_owner_role"),
        ],
    )
    def test_what_is_missing_is_named(self, slots: Postgres, prepare: str, code: str) -> None:
        slots.sql(prepare)
        assert authority(item(slots, "preflight"))["error"]["code"] == code


class TestMint:
    def test_a_lost_reply_is_repeated_without_a_change(self, slots: Postgres) -> None:
        verifier = scram_verifier(new_value())
        assert authority(item(slots, "mint", verifier))["changed"] is True
        kept = slots.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'app_b'")
        assert authority(item(slots, "mint", verifier))["changed"] is False
        assert kept == verifier == slots.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'app_b'")

    def test_the_owner_role_is_put_in_place(self, slots: Postgres) -> None:
        value = minted(slots, "app_a")
        slots.sql("ALTER ROLE app_b RESET role")
        value = minted(slots)
        with session(slots, "app_b", value) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("app_owner",)

    def test_a_slot_in_use_is_never_overwritten(self, slots: Postgres) -> None:
        value = minted(slots)
        with session(slots, "app_b", value):
            reply = authority(item(slots, "mint", scram_verifier(new_value())))
        assert reply["error"]["code"] == "slot_in_use"
        assert probe(slots, value)["outcome"] == "accepted"

    def test_a_clear_password_is_turned_away_and_reaches_no_log(self, slots: Postgres) -> None:
        value = new_value()
        assert authority(item(slots, "mint", value))["error"]["code"] == "no_verifier"
        assert value not in slots.log
        assert minted(slots) not in slots.log

    def test_check_mode_changes_nothing(self, slots: Postgres) -> None:
        reply = authority(item(slots, "mint", scram_verifier(new_value()), check=True))
        assert reply["changed"] is True
        assert slots.sql("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'app_b'") == "f"

    def test_hostile_names_stay_names(self, slots: Postgres) -> None:
        name = "x'; DROP ROLE app_a; --"
        assert authority(item(slots, "preflight", principal=name))["error"]["code"] == "unknown_role"
        assert authority(item(slots, "preflight", principal="x\n\\! true"))["error"]["code"] == "bad_name"


class TestParity:
    def test_equal_slots_are_equal(self, slots: Postgres) -> None:
        reply = authority(item(slots, "parity"))
        assert reply["equal"] is True
        assert int(reply["evidence"]["compared"]) > 20

    @pytest.mark.parametrize(
        ("difference", "undo", "named"),
        [
            ("GRANT SELECT ON stock TO app_a", "REVOKE SELECT ON stock FROM app_a", "relation stock SELECT"),
            ("ALTER ROLE app_a SET work_mem = '8MB'", "ALTER ROLE app_a RESET work_mem", "settings"),
            ("ALTER ROLE app_a CREATEDB", "ALTER ROLE app_a NOCREATEDB", "attributes"),
            ("ALTER TABLE stock OWNER TO app_a", "ALTER TABLE stock OWNER TO postgres", "owned by app_a itself"),
            ("GRANT pg_monitor TO app_a", "REVOKE pg_monitor FROM app_a", "member of pg_monitor MEMBER"),
        ],
    )
    def test_a_difference_is_named(self, slots: Postgres, difference: str, undo: str, named: str) -> None:
        superuser = slots.sql("SELECT current_user")
        slots.sql("CREATE TABLE IF NOT EXISTS stock (id int)")
        slots.sql(difference)
        reply = authority(item(slots, "parity"))
        slots.sql(undo.replace("postgres", superuser))
        assert reply["equal"] is False
        assert named in reply["evidence"]["differences"]


class TestRevoke:
    def test_sessions_are_counted_ended_and_the_old_value_is_dead(self, slots: Postgres) -> None:
        old, new = minted(slots, "app_a"), minted(slots)
        with session(slots, "app_a", old) as connection:
            assert authority(item(slots, "drain"))["in_use"] == 1
            reply = authority(item(slots, "revoke"))
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        assert reply["evidence"]["terminated"] == "1"
        assert authority(item(slots, "drain"))["in_use"] == 0
        dead = probe(slots, old, subject="old")
        assert (dead["outcome"], dead["evidence"]["sqlstate"]) == ("refused", "28P01")
        assert probe(slots, new)["outcome"] == "accepted"
        assert authority(item(slots, "revoke"))["changed"] is False

    def test_a_probe_of_ours_does_not_count_as_use(self, slots: Postgres) -> None:
        old = minted(slots, "app_a")
        arguments = {"host": "127.0.0.1", "port": slots.port, "dbname": "app", "user": "app_a"}
        with psycopg.connect(**arguments, password=old, application_name="mycoops-probe"):
            assert authority(item(slots, "drain"))["in_use"] == 0

    def test_the_old_slot_stays_while_the_new_one_cannot_log_in(self, slots: Postgres) -> None:
        old = minted(slots, "app_a")
        assert authority(item(slots, "revoke"))["error"]["code"] == "new_not_ready"
        assert probe(slots, old, subject="old")["outcome"] == "accepted"

    def test_old_and_new_may_not_be_one_role(self, slots: Postgres) -> None:
        assert authority(item(slots, "revoke", previous_principal="app_b"))["error"]["code"] == "same_slot"


class TestPersist:
    def test_it_holds_only_when_the_new_is_kept_and_the_old_is_gone(self, slots: Postgres) -> None:
        old, new = minted(slots, "app_a"), minted(slots)
        request = item(slots, "persist", scram_verifier(new))
        assert authority(request)["persisted"] is False
        authority(item(slots, "revoke"))
        assert authority(request)["persisted"] is True
        assert authority({**request, "value": scram_verifier(old)})["persisted"] is False
