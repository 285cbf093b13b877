"""`mycoops vault …` on the command line."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mycoops import cli_completion as completion
from mycoops import settings
from mycoops.cli_hints import runnable
from mycoops.cli_options import FleetOption, JsonOption, errors
from mycoops.cli_print import out, print_json, table
from mycoops.commands import listing, rekeying, replacing
from mycoops.commands.replacing import Replaced
from mycoops.editor import typed
from mycoops.errors import WrongUsage
from mycoops.secret import generate
from mycoops.session import Fleet, open_fleet

app = typer.Typer(no_args_is_help=True, help="Look into the vault, replace a value by hand, and change its password.")
CredentialArgument = Annotated[str, typer.Argument(autocompletion=completion.credential)]
ReasonOption = Annotated[str, typer.Option(help="Why, for the rotation log.")]


@app.command("list")
def list_kept(fleet: FleetOption = None, as_json: JsonOption = False) -> None:
    """List what the vault keeps: names, kinds, generations, ages, candidates and old values. It shows no value."""
    opened = open_fleet(fleet)
    found = listing.kept(opened)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        rows = [
            (
                one.credential,
                one.kind or "not declared",
                one.generation or "none",
                one.slot,
                f"{one.age_days} d" if one.age_days >= 0 else "–",
                ", ".join(map(str, one.candidates)),
                ", ".join(map(str, one.old)),
            )
            for one in found
        ]
        table(("credential", "kind", "gen", "slot", "age", "candidates", "old"), rows)
    if rekeying.cut_off(opened):
        following = runnable("mycoops vault rekey")
        errors.print(f"a change of the vault's password was cut off\n→ {following}", highlight=False, soft_wrap=True)


@app.command("set")
def set_value(
    credential: CredentialArgument,
    slot: Annotated[
        str, typer.Option(help="The slot it lives in, where that is another one than before.", autocompletion=completion.slot)
    ] = "",
    reason: ReasonOption = "",
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a value current that was replaced without mycoops. Hidden prompt, or standard input.

    The first value of a credential, and one that a rotation waits for, come by `mycoops provide`."""
    opened = open_fleet(fleet)
    value = typed(_asked(f"New value of {credential}", twice=False))
    _replaced(replacing.put(opened, credential, value, slot=slot, reason=reason), as_json=as_json)


@app.command()
def edit(credential: CredentialArgument, reason: ReasonOption = "", fleet: FleetOption = None, as_json: JsonOption = False) -> None:
    """Change the current value in $EDITOR, in a private directory in memory; left as it is, nothing is written."""
    _replaced(replacing.edit(open_fleet(fleet), credential, reason=reason), as_json=as_json)


@app.command()
def rekey(
    new_file: Annotated[
        Path | None, typer.Option("--new-password-file", help="A file that holds the new password.", show_default=False)
    ] = None,
    new_script: Annotated[
        Path | None, typer.Option("--new-password-script", help="A program that prints it.", show_default=False)
    ] = None,
    made: Annotated[bool, typer.Option("--generate", help="Make it, where the catalogue keeps the password in a file.")] = False,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put every value of the vault under a new password. Hidden prompt, or standard input; cut off, run it again."""
    opened = open_fleet(fleet)
    if rekeying.cut_off(opened):
        done = rekeying.finish(opened)
    else:
        done = rekeying.rekey(opened, _new_password(opened, new_file, new_script, made=made))
    if as_json:
        print_json({**asdict(done), "next": runnable(done.next)})
        return
    words = "are under the new password" if done.changed else "were under that password before; nothing was changed"
    out.print(f"{done.values} values in {done.files} files {words}", highlight=False)
    for place in done.left:
        out.print(f"{escape(place)}: not mycoops' own, and still under the old password", highlight=False, soft_wrap=True)
    out.print(f"→ {escape(runnable(done.next))}", highlight=False, soft_wrap=True)


def _new_password(opened: Fleet, file: Path | None, script: Path | None, *, made: bool) -> str:
    if sum((bool(file), bool(script), made)) > 1:
        raise WrongUsage("say one place for the new password", hint="Or none: then it is asked for.")
    if made:
        if not opened.password_path():
            hint = "Keep it where the catalogue's program finds it, and bring it: --new-password-script."
            raise WrongUsage("nobody would know a password that is made here: the catalogue names no file for it", hint=hint)
        return generate("token").reveal()
    if file or script:
        named = [str(path.absolute()) if path else "" for path in (file, script)]
        option = "--new-password-file" if file else "--new-password-script"
        return settings.vault_password(named[0], named[1], False, opened.settings, option)
    return _asked("New vault password", twice=True).strip()


def _asked(what: str, *, twice: bool) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.read()
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=twice, err=True))


def _replaced(done: Replaced, *, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(done), "next": runnable(done.next)})
        return
    slot = f", slot {done.slot}" if done.slot else ""
    words = (
        "encrypted; the one before it is kept until its next rotation is closed" if done.changed else "as it was; nothing written"
    )
    out.print(f"{done.credential}: generation {done.generation}{slot}, {words}", highlight=False, soft_wrap=True)
    if done.next:
        out.print(f"→ {runnable(done.next)}", highlight=False, soft_wrap=True)
