"""A service with two values logs in with whichever is accepted, at once, from every thread, and shows neither of them."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from mycoops import dual, hostcode
from mycoops.dual import Dual, NotSet
from mycoops.secret import generate

NAME = "DATABASE_PASSWORD"


class Refused(Exception):
    """What the authority says to a wrong value."""


class Overloaded(Exception):
    """What it says when it has no time."""


class Authority:
    """One slot; counts logins, and refusals by value."""

    def __init__(self, value: str) -> None:
        self.value, self.logins, self.refusals = value, 0, 0
        self.down = False

    def connect(self, value: str) -> str:
        """A fresh login."""
        self.logins += 1
        if self.down:
            raise Overloaded
        if value != self.value:
            self.refusals += 1
            raise Refused
        return "a connection"

    async def connect_async(self, value: str) -> str:
        """The same, awaited."""
        await asyncio.sleep(0)
        return self.connect(value)


def refused(error: Exception) -> bool:
    """The refusal itself and nothing else."""
    return isinstance(error, Refused)


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The present and the next value, in the environment."""
    now, following = generate("token").reveal(), generate("token").reveal()
    monkeypatch.setenv(NAME, now)
    monkeypatch.setenv(f"{NAME}_NEXT", following)
    return now, following


def test_after_the_cut_the_very_next_login_works_and_is_remembered(values: tuple[str, str]) -> None:
    authority, password = Authority(values[0]), Dual(NAME)
    assert password.attempt(authority.connect, refused=refused) == "a connection"
    assert (authority.logins, authority.refusals) == (1, 0)
    authority.value = values[1]
    assert password.attempt(authority.connect, refused=refused) == "a connection"
    assert (authority.logins, authority.refusals) == (3, 1)
    for _ in range(5):
        password.attempt(authority.connect, refused=refused)
    assert (authority.logins, authority.refusals) == (8, 1)


def test_a_cut_that_is_taken_back_is_followed_too(values: tuple[str, str]) -> None:
    authority, password = Authority(values[1]), Dual(NAME)
    password.attempt(authority.connect, refused=refused)
    authority.value = values[0]
    password.attempt(authority.connect, refused=refused)
    password.attempt(authority.connect, refused=refused)
    assert authority.refusals == 2


def test_without_a_next_value_the_refusal_passes(values: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{NAME}_NEXT", "")
    authority = Authority(values[1])
    with pytest.raises(Refused):
        Dual(NAME).attempt(authority.connect, refused=refused)
    assert authority.logins == 1


def test_where_both_are_refused_each_is_tried_once(values: tuple[str, str]) -> None:
    authority = Authority(generate("token").reveal())
    with pytest.raises(Refused):
        Dual(NAME).attempt(authority.connect, refused=refused)
    assert authority.logins == 2


def test_another_error_is_no_reason_to_try_the_other_value(values: tuple[str, str]) -> None:
    authority, password = Authority(values[1]), Dual(NAME)
    authority.down = True
    with pytest.raises(Overloaded):
        password.attempt(authority.connect, refused=refused)
    assert authority.logins == 1
    authority.down = False
    password.attempt(authority.connect, refused=refused)
    authority.down = True
    with pytest.raises(Overloaded):
        password.attempt(authority.connect, refused=refused)
    authority.down = False
    password.attempt(authority.connect, refused=refused)
    assert authority.refusals == 1, "it has forgotten which one worked"


def test_an_interrupt_is_not_caught(values: tuple[str, str]) -> None:
    def connect(value: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Dual(NAME).attempt(connect, refused=lambda error: True)


def test_no_value_at_all_is_said_with_both_names_and_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(NAME, raising=False)
    with pytest.raises(NotSet, match=rf"neither {NAME} nor {NAME}_NEXT is set in the environment$"):
        Dual(NAME).attempt(str, refused=refused)
    with pytest.raises(NotSet, match=rf"in the environment or {tmp_path}/app.env"):
        Dual(NAME, env_file=tmp_path / "app.env").attempt(str, refused=refused)


def test_the_next_variable_may_have_a_name_of_its_own(values: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMING", values[1])
    monkeypatch.delenv(f"{NAME}_NEXT")
    assert Dual(NAME, next_name="COMING").attempt(Authority(values[1]).connect, refused=refused)


def test_a_pool_opens_its_next_connection_with_the_value_in_force(values: tuple[str, str]) -> None:
    authority = Authority(values[0])
    create = Dual(NAME).connector(authority.connect, refused=refused)
    pool = [create(), create()]
    authority.value = values[1]
    pool += [create() for _ in range(10)]
    assert pool == ["a connection"] * 12
    assert authority.refusals == 1


def test_threads_connect_side_by_side_and_none_of_them_fails(values: tuple[str, str]) -> None:
    password, authority, together = Dual(NAME), Authority(values[0]), threading.Barrier(8, timeout=10)
    password.attempt(authority.connect, refused=refused)
    authority.value = values[1]

    def connect(value: str) -> str:
        together.wait()  # eight at once, or the barrier breaks: a lock held over `connect` would let one in
        return authority.connect(value)

    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(lambda _: password.attempt(connect, refused=refused), range(8)))
    assert found == ["a connection"] * 8


def test_what_is_awaited_behaves_alike(values: tuple[str, str]) -> None:
    authority, password = Authority(values[0]), Dual(NAME)

    async def all_of_it() -> None:
        await password.attempt_async(authority.connect_async, refused=refused)
        authority.value = values[1]
        await password.attempt_async(authority.connect_async, refused=refused)
        await password.attempt_async(authority.connect_async, refused=refused)
        assert authority.refusals == 1
        authority.down = True
        with pytest.raises(Overloaded):
            await password.attempt_async(authority.connect_async, refused=refused)
        authority.down, authority.value = False, generate("token").reveal()
        with pytest.raises(Refused):
            await password.attempt_async(authority.connect_async, refused=refused)

    asyncio.run(all_of_it())


class TestEnvFile:
    """With an env file, which is read anew."""

    def test_both_values_of_a_file_that_changed_meanwhile_are_tried(self, tmp_path: Path) -> None:
        path = tmp_path / "app.env"
        first, second, third, fourth = (generate("token").reveal() for _ in range(4))
        path.write_text(f"{NAME}={first}\n{NAME}_NEXT={second}\n")
        password, authority = Dual(NAME, env_file=path), Authority(fourth)

        def connect(value: str) -> str:
            if value == second:
                path.write_text(f"{NAME}={third}\n{NAME}_NEXT={fourth}\n")
            return authority.connect(value)

        assert password.attempt(connect, refused=refused) == "a connection"
        assert (authority.logins, authority.refusals) == (4, 3)

    def test_it_counts_before_the_environment_and_is_read_again(self, values: tuple[str, str], tmp_path: Path) -> None:
        path = tmp_path / "app.env"
        third, authority = generate("token").reveal(), Authority("")
        path.write_text(f"# the application\n{NAME}='{values[1]}'\nOTHER=1\n")
        password, authority.value = Dual(NAME, env_file=path), values[1]
        password.attempt(authority.connect, refused=refused)
        fresh = path.with_suffix(".new")
        fresh.write_text(f"{NAME}={values[1]}\n{NAME}_NEXT={third}\n")
        fresh.rename(path)
        authority.value = third
        password.attempt(authority.connect, refused=refused)
        fresh.write_text(f"{NAME}={third}\n{NAME}_NEXT=\n")
        fresh.rename(path)
        password.attempt(authority.connect, refused=refused)
        assert authority.refusals == 1

    def test_an_empty_next_in_the_file_hides_one_in_the_environment(self, values: tuple[str, str], tmp_path: Path) -> None:
        path = tmp_path / "app.env"
        path.write_text(f"{NAME}={values[0]}\n{NAME}_NEXT=\n")
        authority = Authority(values[1])
        with pytest.raises(Refused):
            Dual(NAME, env_file=path).attempt(authority.connect, refused=refused)
        assert authority.logins == 1

    def test_one_that_was_rewritten_within_the_clock_s_grain_is_noticed_at_the_refusal(
        self, values: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "app.env"
        path.write_text(f"{NAME}={values[0]}\n{NAME}_NEXT=\n")
        password, authority = Dual(NAME, env_file=path), Authority(values[0])
        password.attempt(authority.connect, refused=refused)
        path.write_text(f"{NAME}={values[1]}\n{NAME}_NEXT=\n")
        status = path.stat()
        password._stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        authority.value = values[1]
        assert password.attempt(authority.connect, refused=refused) == "a connection"

    def test_one_that_is_gone_counts_as_it_was(self, values: tuple[str, str], tmp_path: Path) -> None:
        path = tmp_path / "app.env"
        third = generate("token").reveal()
        path.write_text(f"{NAME}={third}\n")
        password = Dual(NAME, env_file=path)
        password.attempt(Authority(third).connect, refused=refused)
        path.unlink()
        password.attempt(Authority(third).connect, refused=refused)

    def test_a_file_that_changes_all_the_time_is_not_followed_for_ever(self, tmp_path: Path) -> None:
        path, tries = tmp_path / "app.env", []

        def connect(value: str) -> str:
            tries.append(value)
            path.write_text(f"{NAME}={generate('token').reveal()}\n")
            raise Refused

        path.write_text(f"{NAME}={generate('token').reveal()}\n")
        with pytest.raises(Refused):
            Dual(NAME, env_file=path).attempt(connect, refused=refused)
        assert len(tries) == dual.TRIES

    @example("\r0")
    @example("1\r\n0")
    @given(some.text(some.characters(codec="utf-8", exclude_characters="\n\0"), max_size=40))
    def test_a_line_means_what_the_declared_reader_makes_of_it(self, value: str) -> None:
        raw = f"# {value}\nA={value}\nB = 1\n export C=2\nno variable\nB=2\n".encode()
        mine = {name: held.text for name, held in dual._parsed(raw).items()}
        assert mine == hostcode.load("mycoops_encoding").read_as("decouple", raw)


def test_no_value_shows(values: tuple[str, str], tmp_path: Path) -> None:
    password = Dual(NAME)
    try:
        password.attempt(Authority("another").connect, refused=refused)
    except Refused as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    ours = [part for part in text.split("  File ") if "dual.py" in part.splitlines()[0] and "test_dual.py" not in part]
    assert ours
    shown = "".join(ours) + repr(password) + repr(vars(password)) + str(password)
    assert not [value for value in values if value in shown]
    assert any(value in text for value in values), "the control: the caller's own frame shows what it was given"


def test_it_needs_nothing_but_python(values: tuple[str, str]) -> None:
    """In a fresh interpreter without site packages, where only this file's folder is known."""
    root = Path(dual.__file__).parents[1]
    code = (
        f"import sys, json; sys.path.insert(0, {str(root)!r}); import mycoops.dual; "
        "print(json.dumps([[name, getattr(module, '__file__', None) or ''] for name, module in sys.modules.items()]))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert {name for name, _ in loaded if name.startswith("mycoops")} == {"mycoops", "mycoops.dual"}
    assert not [place for _, place in loaded if "site-packages" in place]


def test_it_is_written_for_older_pythons_too() -> None:
    text = Path(dual.__file__).read_text()
    ast.parse(text, feature_version=(3, 9))
    assert "from __future__ import annotations" in text
    with pytest.raises(SyntaxError):
        ast.parse("match 1:\n    case 1: pass\n", feature_version=(3, 9))
