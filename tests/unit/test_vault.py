"""The store keeps every value encrypted under its own name and number, and a write changes one entry only."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import yaml
from ansible.parsing.vault import VaultLib

from mycoops import durable
from mycoops.errors import VaultError
from mycoops.secret import Secret, generate
from mycoops.vault import Store, password_secrets, vault_path
from tests.unit.dying import killed_at
from tests.unit.fleets import PASSWORD

SECRETS = password_secrets(PASSWORD)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of two credentials."""
    made = Store.open(tmp_path, SECRETS)
    made.add("db", "a", generate("token"))
    made.add("token", "", generate("token"))
    return made


def fresh(store: Store) -> Store:
    """As a new process reads it."""
    return Store.open(store._path.parents[2], SECRETS)


def everything(directory: Path) -> str:
    """All that lies on disk."""
    return "\n".join(path.read_text() for path in sorted(directory.rglob("*")) if path.is_file())


def test_a_new_fleet_has_an_empty_vault(tmp_path: Path) -> None:
    store = Store.open(tmp_path, SECRETS)
    assert store.metas() == []
    assert store.meta("db") is None
    assert store.pending("db") == []
    assert list(store.secrets()) == []


def test_what_is_kept_is_read_back_and_never_lies_in_clear(store: Store, tmp_path: Path) -> None:
    value = store.secret("db", 1)
    assert fresh(store).secret("db", 1).same_as(value)
    meta = fresh(store).meta("db")
    assert meta
    assert (meta.generation, meta.slot) == (1, "a")
    assert meta.created.endswith("Z")
    text = everything(tmp_path)
    assert "$ANSIBLE_VAULT;1.1;AES256" in text
    assert value.reveal() not in text
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()} == {0o600}


def test_ansible_reads_the_file_too(store: Store, tmp_path: Path) -> None:
    entry = yaml.compose(vault_path(tmp_path).read_text())
    assert entry
    plain = VaultLib(SECRETS).decrypt(store._entries["db"].ciphertext)
    assert store.secret("db", 1).reveal().encode() in plain


def test_a_pending_value_is_durable_and_apart(store: Store, tmp_path: Path) -> None:
    value = generate("token")
    store.put_pending("db", 2, "b", value)
    other = fresh(store)
    assert other.pending("db") == [2]
    assert other.slot("db", 2) == "b"
    assert other.secret("db", 2).same_as(value)
    assert [(name, number) for name, number, _ in other.secrets()] == [("db", 1), ("token", 1), ("db", 2)]
    store.put_pending("db", 2, "b", Secret(value.reveal()))
    with pytest.raises(VaultError, match="already holds another value"):
        store.put_pending("db", 2, "b", generate("token"))
    assert fresh(store).secret("db", 2).same_as(value)
    assert (tmp_path / "pending" / "db.g2.vault").exists()


def test_numbers_are_sorted_as_numbers(store: Store) -> None:
    for number in (10, 9, 2):
        store.put_pending("db", number, "b", generate("token"))
    store.put_pending("db_two", 3, "", generate("token"))
    assert store.pending("db") == [2, 9, 10]


def test_a_promotion_keeps_the_value_it_replaces(store: Store) -> None:
    old, new = store.secret("db", 1), generate("token")
    store.put_pending("db", 2, "b", new)
    store.promote("db", 2)
    meta = fresh(store).meta("db")
    assert meta
    assert (meta.generation, meta.slot) == (2, "b")
    assert fresh(store).secret("db", 1).same_as(old)
    assert fresh(store).secret("db", 2).same_as(new)
    before = vault_path(store._path.parents[2]).read_bytes()
    store.promote("db", 2)
    assert store._path.read_bytes() == before, "repeating it changes nothing"


def test_a_value_that_comes_back_is_as_old_as_it_was(store: Store, tmp_path: Path) -> None:
    now = store.meta("db")
    assert now
    path = vault_path(tmp_path)
    path.write_text(path.read_text().replace(now.created, "2020-01-01T00:00:00Z"))
    aged = fresh(store)
    aged.put_pending("db", 2, "b", generate("token"))
    aged.promote("db", 2)
    young = aged.meta("db")
    assert young
    assert not young.created.startswith("2020")
    aged.promote("db", 1)
    back = fresh(store).meta("db")
    assert back
    assert (back.generation, back.created) == (1, "2020-01-01T00:00:00Z")


def test_a_promotion_can_be_taken_back(store: Store) -> None:
    old = store.secret("db", 1)
    store.put_pending("db", 2, "b", generate("token"))
    store.promote("db", 2)
    store.promote("db", 1)
    meta = fresh(store).meta("db")
    assert meta
    assert (meta.generation, meta.slot) == (1, "a")
    assert fresh(store).secret("db", 1).same_as(old)
    assert 2 in fresh(store).pending("db")


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("write", [1, 2])
def test_a_promotion_cut_off_anywhere_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, write: int, before: bool
) -> None:
    class Cut(BaseException):
        pass

    old, new = store.secret("db", 1), generate("token")
    store.put_pending("db", 2, "b", new)
    real, count = durable.replace, iter(range(1, 9))

    def cut(path: Path, content: bytes, mode: int = 0o600) -> None:
        last = next(count) == write
        if last and before:
            raise Cut
        real(path, content, mode)
        if last:
            raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(durable, "replace", cut)
        with pytest.raises(Cut):
            store.promote("db", 2)
    again = fresh(store)
    assert again.secret("db", 1).same_as(old)
    assert again.secret("db", 2).same_as(new)
    again.promote("db", 2)
    assert fresh(store).meta("db").generation == 2  # type: ignore[union-attr]
    assert fresh(store).secret("db", 1).same_as(old)


def test_a_promotion_killed_at_any_system_call_leaves_a_whole_vault(store: Store, tmp_path: Path) -> None:
    """Half of a vault cannot be: what was on its way lies beside it, is no entry of anything, and goes with the next write."""
    old, new = store.secret("db", 1), generate("token")
    store.put_pending("db", 2, "b", new)
    seen: set[int] = set()
    for number in range(1, 60):
        came = killed_at(number, lambda: fresh(store).promote("db", 2))
        again = fresh(store)
        meta = again.meta("db")
        assert meta
        seen.add(meta.generation)
        assert again.secret("db", 1).same_as(old)
        assert again.secret("db", 2).same_as(new)
        assert {name for name, _, _ in again.secrets()} == {"db", "token"}
        if not came:
            break
        again.promote("db", 2)
        again.promote("db", 1)
        for name in ("pending", "group_vars/all"):
            assert not [path for path in (tmp_path / name).iterdir() if path.name.endswith(".new")]
        assert again.pending("db") == [1, 2]
        again.drop_pending("db", 1)
    assert number > 12
    assert seen == {1, 2}


def test_a_write_changes_one_entry_only(store: Store) -> None:
    before = store._path.read_text().splitlines()
    store.put_pending("db", 2, "b", generate("token"))
    store.promote("db", 2)
    after = store._path.read_text().splitlines()
    start = next(number for number, line in enumerate(before) if line == "  token:")
    assert after[:2] == before[:2]
    assert after[-len(before[start:]) :] == before[start:]


def test_comments_and_foreign_keys_stay(store: Store) -> None:
    text = store._path.read_text() + "# a comment of a person\nanother_key: [1, 2]\n"
    store._path.write_text(text)
    again = fresh(store)
    again.put_pending("db", 2, "b", generate("token"))
    again.promote("db", 2)
    assert "# a comment of a person\nanother_key: [1, 2]\n" in again._path.read_text()
    assert fresh(again).meta("token")


def test_a_new_credential_is_added_inside_the_mapping(store: Store) -> None:
    store._path.write_text(store._path.read_text() + "another_key: [1, 2]\n")
    again = fresh(store)
    again.add("more", "", generate("token"))
    assert [meta.credential for meta in fresh(store).metas()] == ["db", "token", "more"]
    assert yaml.safe_load(again._path.read_text().replace("!vault", ""))["another_key"] == [1, 2]


@pytest.mark.parametrize("ending", ["", "\n", "\n\n\n", "\n# the last word"])
def test_the_end_of_the_file_may_look_as_it_likes(store: Store, ending: str) -> None:
    store._path.write_text(store._path.read_text().rstrip("\n") + ending)
    again = fresh(store)
    again.add("more", "", generate("token"))
    again.put_pending("token", 2, "", generate("token"))
    again.promote("token", 2)
    assert [(meta.credential, meta.generation) for meta in fresh(store).metas()] == [("db", 1), ("token", 2), ("more", 1)]
    assert ("# the last word" in again._path.read_text()) is ("word" in ending)


def test_a_comment_between_two_entries_stays_where_it_is(store: Store) -> None:
    text = store._path.read_text().replace("  token:\n", "  # about the token\n\n  token:\n")
    store._path.write_text(text)
    again = fresh(store)
    again.put_pending("db", 2, "b", generate("token"))
    again.promote("db", 2)
    assert "\n  # about the token\n\n  token:\n" in again._path.read_text()
    assert fresh(again).meta("db").generation == 2  # type: ignore[union-attr]


def test_a_first_value_is_never_overwritten(store: Store) -> None:
    with pytest.raises(VaultError, match="db already has a value"):
        store.add("db", "a", generate("token"))


def test_what_is_dropped_is_gone_and_dropping_again_is_fine(store: Store) -> None:
    store.put_pending("db", 2, "b", generate("token"))
    store.drop_pending("db", 2)
    store.drop_pending("db", 2)
    assert store.pending("db") == []
    with pytest.raises(VaultError, match="db: generation 2 is neither in"):
        store.secret("db", 2)


def test_dropping_a_copy_of_the_current_value_keeps_the_value(store: Store) -> None:
    value = store.secret("db", 1)
    store.put_pending("db", 2, "b", generate("token"))
    store.promote("db", 2)
    store.promote("db", 1)
    store.drop_pending("db", 1)
    assert store.secret("db", 1).same_as(value)
    assert fresh(store).secret("db", 1).same_as(value)


def test_a_change_by_someone_else_is_not_written_over(store: Store) -> None:
    other = fresh(store)
    other.add("more", "", generate("token"))
    with pytest.raises(VaultError, match="was changed by someone else"):
        store.add("mine", "", generate("token"))
    assert fresh(store).meta("more")


def test_the_wrong_password_opens_nothing_and_shows_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"vault\.yml:3: db does not decrypt") as caught:
        Store.open(tmp_path, password_secrets("another one")).secret("db", 1)
    assert "right vault password" in caught.value.hint
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_ciphertext_under_another_name_or_number_is_refused(store: Store, tmp_path: Path) -> None:
    store.put_pending("db", 2, "b", generate("token"))
    (tmp_path / "pending" / "token.g2.vault").write_bytes((tmp_path / "pending" / "db.g2.vault").read_bytes())
    (tmp_path / "pending" / "db.g3.vault").write_bytes((tmp_path / "pending" / "db.g2.vault").read_bytes())
    for name, number in (("token", 2), ("db", 3)):
        with pytest.raises(VaultError, match="belongs to another credential or generation"):
            fresh(store).secret(name, number)


def test_a_foreign_ciphertext_is_refused(store: Store, tmp_path: Path) -> None:
    foreign = VaultLib(SECRETS).encrypt(b"just a password")
    (tmp_path / "pending").mkdir(exist_ok=True)
    (tmp_path / "pending" / "db.g2.vault").write_bytes(foreign)
    with pytest.raises(VaultError, match="something mycoops did not write") as caught:
        fresh(store).secret("db", 2)
    assert "just a password" not in caught.value.message


ENTRY = "  db: {generation: 1, value: !vault x}\n"
BROKEN = {
    "mycoops_vault:\n  db: {generation: 1\n": "not YAML",
    "<<<<<<< ours\nmycoops_vault:\n": ":1: an unresolved merge conflict",
    "other: 1\n": "the key mycoops_vault is missing",
    "just text\n": "the key mycoops_vault is missing",
    "mycoops_vault: [1]\n": ":1: mycoops_vault is not a mapping",
    "mycoops_vault:\n  db: text\n": ":2: db is not a mapping",
    "mycoops_vault:\n  db:\n    generation: 1\n    value: clear\n": ":2: db needs `generation` and an encrypted",
    "mycoops_vault:\n  db:\n    value: !vault |\n      x\n": ":2: db needs `generation`",
    "mycoops_vault:\n  db:\n    generation: one\n    value: !vault |\n      x\n": ":3: generation is not a number",
    "mycoops_vault:\n  db:\n    generation: [1]\n    value: !vault |\n      x\n": ":3: generation is not a number",
    "mycoops_vault:\n  db:\n    generation: 1\n    value: !vault [x]\n": ":2: db needs `generation`",
    "mycoops_vault:\n  db:\n    [generation]: 1\n    value: !vault x\n": ":2: db needs `generation`",
    "mycoops_vault:\n  ? [db]\n  : 1\n": ":2: not the name of a credential",
    f"mycoops_vault:\n{ENTRY}{ENTRY}": ":3: db stands here for the second time",
    "mycoops_vault:\n  db: \x07\n": ":2: a control character",
    "mycoops_vault:\n  db: x\n=======\n  db: y\n>>>>>>> theirs\n": ":5: an unresolved merge conflict",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    path = vault_path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(VaultError) as caught:
        Store.open(tmp_path, SECRETS)
    assert BROKEN[text] in caught.value.message
    assert str(path) in caught.value.message


def test_an_empty_mapping_is_an_empty_vault(tmp_path: Path) -> None:
    path = vault_path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("mycoops_vault:\n")
    assert Store.open(tmp_path, SECRETS).metas() == []


def test_text_that_is_none_is_named_with_its_line(tmp_path: Path) -> None:
    path = vault_path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mycoops_vault:\n  db: \xff\n")
    with pytest.raises(VaultError, match=r"vault\.yml:2: not UTF-8 text"):
        Store.open(tmp_path, SECRETS)


def test_line_ends_of_another_system_are_read_and_written_over(store: Store, tmp_path: Path) -> None:
    path, value = vault_path(tmp_path), store.secret("db", 1)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    other = fresh(store)
    assert other.secret("db", 1).same_as(value)
    other.add("more", "", generate("token"))
    assert {meta.credential for meta in fresh(store).metas()} == {"db", "token", "more"}
    assert fresh(store).secret("db", 1).same_as(value)


@pytest.mark.parametrize("payload", [b"[]", b"1", b'{"credential": "db", "generation": 2}', b'{"value": 1}'])
def test_a_payload_of_another_shape_is_refused(store: Store, tmp_path: Path, payload: bytes) -> None:
    (tmp_path / "pending").mkdir(exist_ok=True)
    (tmp_path / "pending" / "db.g2.vault").write_bytes(VaultLib(SECRETS).encrypt(payload))
    with pytest.raises(VaultError, match="something mycoops did not write"):
        fresh(store).secret("db", 2)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_ciphertext_is_an_error_of_the_vault(store: Store, tmp_path: Path, seed: int) -> None:
    chance, path = Random(seed), vault_path(tmp_path)
    lines = path.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if "$ANSIBLE_VAULT" in line)
    number = chance.randrange(first + 1, first + 4)
    place = chance.randrange(6, len(lines[number]))
    damaged = [lines[number][:place], lines[number][:place] + "zz" + lines[number][place + 2 :], "      "]
    lines[number] = chance.choice([text for text in damaged if text != lines[number]])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(VaultError, match=r"vault\.yml:3: db "):
        fresh(store).secret("db", 1)
