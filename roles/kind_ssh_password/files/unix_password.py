"""An account's password is replaced by hash only while a timer on the host stands ready to put the old one back."""

from __future__ import annotations

import contextlib
import ctypes
import pathlib
import re
import typing

import mycoops_way_back as way_back
from mycoops_reply import Refusal

SHADOW = pathlib.Path("/etc/shadow")
CLOUD_INIT = pathlib.Path("/var/lib/cloud")
ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,30}\$?\Z")
HASH = re.compile(r"\$[0-9a-z]+\$[^:\s]{20,}\Z")
LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2")


def run(request: dict) -> dict:
    """Carry out one entry for the account of the options."""
    account = request["options"].get("account") or request["principal"]
    if not ACCOUNT.match(account):
        raise Refusal("bad_account", "the account has an unusual name")
    return ENTRIES[request["entry"]](request, account)


def preflight(request: dict, account: str) -> dict:
    """There is a password to replace, a second way in, and a timer that could undo a mistake."""
    present = _shadow(account)
    if not HASH.match(present):
        raise Refusal("no_password", f"{account} has no password to rotate: it is locked or empty", account=account)
    _second_way(request, account)
    cloud = "present: it may set the password again at boot" if CLOUD_INIT.exists() else "absent"
    return {"done": True, "evidence": {"account": account, "hash": present.split("$")[1], "cloud_init": cloud}}


def stage(request: dict, account: str) -> dict:
    """Arm the way back: the old hash in memory only, and a timer that restores it unless it is called off."""
    _second_way(request, account)
    if not request.get("check"):
        _way_back(request, account).arm(f"{account}:{_shadow(account)}")
    back = _way_back(request, account)
    return {"done": True, "changed": True, "evidence": {"unit": back.unit, "seconds": str(back.seconds)}}


def cutover(request: dict, account: str) -> dict:
    """Set the new hash over standard input; the timer is wound up first, so a repetition ends in the same place."""
    new = request["hash"]
    if not HASH.match(new):
        raise Refusal("no_hash", "the host takes a password hash here, never a password")
    _second_way(request, account)
    if not request.get("check"):
        _way_back(request, account).arm(f"{account}:{_shadow(account)}")
        _chpasswd(f"{account}:{new}")
        if _shadow(account) != new:
            raise Refusal("not_set", "the account's entry does not hold the new hash", account=account)
    return {"done": True, "changed": True, "evidence": {"account": account, "unit": _way_back(request, account).unit}}


def confirm(request: dict, account: str) -> dict:
    """Call the timer off once the account holds the value; on the way back (an abort) put the old one in force first."""
    if way_back.leads_back(request):
        return restore(request, account)
    if not _holds(account, request["value"]):
        raise Refusal("not_in_force", f"{account} does not hold the new password: never set, or put back by the timer")
    sudo = _sudo(account, request["value"])
    if sudo == "refused":
        raise Refusal("sudo_refused", f"sudo refuses {account} its new password; the timer stays armed", account=account)
    back = _way_back(request, account)
    armed = back.kept.exists()
    if not request.get("check"):
        back.call_off()
        if not _holds(account, request["value"]):
            raise Refusal("not_in_force", f"the timer put the old password of {account} back at this very moment")
    return {"done": True, "changed": armed, "evidence": {"account": account, "sudo": sudo, "timer": "off"}}


def restore(request: dict, account: str) -> dict:
    """Put the old hash back now instead of waiting for the timer."""
    back = _way_back(request, account)
    old = back.text()
    differs = bool(old) and old != f"{account}:{_shadow(account)}"
    if request.get("check"):
        return {"done": True, "changed": bool(old), "evidence": {"account": account}}
    if differs:
        _chpasswd(old)
    back.call_off()
    wanted = request["value"] if way_back.leads_back(request) else request["previous_value"]
    if not _holds(account, wanted):
        raise Refusal("nothing_to_restore", f"{account} does not hold the old password and no hash of it is kept")
    return {"done": True, "changed": bool(old), "evidence": {"account": account, "restored": "yes" if differs else "not needed"}}


def persist(request: dict, account: str) -> dict:
    """The entry on disk is the new one, and nothing on this host is about to put the old one back."""
    new, old = _holds(account, request["value"]), bool(request.get("previous_value")) and _holds(account, request["previous_value"])
    armed = _way_back(request, account).armed()
    evidence = {"path": str(SHADOW), "new": "present" if new else "absent", "timer": "armed" if armed else "off"}
    return {"done": True, "persisted": new and not old and not armed, "evidence": evidence}


ENTRIES: typing.Dict[str, typing.Callable[[dict, str], dict]] = {
    "preflight": preflight,
    "stage": stage,
    "cutover": cutover,
    "confirm": confirm,
    "restore": restore,
    "persist": persist,
}


def _second_way(request: dict, account: str) -> None:
    """This very connection must not depend on the password that is about to change."""
    if request.get("by_password"):
        raise Refusal("no_second_way", f"the control node reaches this host with a password: set up a key before {account} changes")
    way_back.require_timers()


def _way_back(request: dict, account: str) -> way_back.WayBack:
    return way_back.WayBack(account.rstrip("$"), ["/usr/sbin/chpasswd", "-e"], request["options"].get("revert_seconds"))


def _shadow(account: str) -> str:
    for line in SHADOW.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(":")
        if name == account:
            return rest.partition(":")[0]
    raise Refusal("unknown_account", f"there is no account {account}", account=account)


def _chpasswd(line: str) -> None:
    if way_back.call(["/usr/sbin/chpasswd", "-e"], line.strip() + "\n").returncode:
        raise Refusal("chpasswd_failed", "chpasswd declined the hash")


def _holds(account: str, value: str) -> bool:
    """Whether the account's entry is a hash of this value, asked of the C library: no login, so no lockout is nearer."""
    present = _shadow(account)
    for name in LIBRARIES:
        with contextlib.suppress(OSError):
            crypt = ctypes.CDLL(name).crypt
            crypt.restype, crypt.argtypes = ctypes.c_char_p, (ctypes.c_char_p, ctypes.c_char_p)
            return bool(HASH.match(present)) and crypt(value.encode(), present.encode()) == present.encode()
    raise Refusal("no_crypt", "this host has no crypt library to check a password with")


def _sudo(account: str, value: str) -> str:
    """Ask sudo as that account, the password over standard input and no cached ticket."""
    try:
        done = way_back.call(["runuser", "-u", account, "--", "sudo", "-k", "-S", "-p", "", "true"], value + "\n")
    except FileNotFoundError:
        return "not installed"
    if done.returncode == 0:
        return "accepted"
    return "refused" if "incorrect password" in done.stderr or "locked" in done.stderr else "not allowed"
