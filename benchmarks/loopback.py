"""Many hosts for the price of their ssh: addresses of 127.0.0.0/8 on which an sshd answers every order as a host does that has
nothing to change, so that what a host costs the controller is measured by itself."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from mycoops import durable
from mycoops.secret import generate
from mycoops.values import public_key

SSHD = "/usr/sbin/sshd"
ANSWER = Path(__file__).resolve().parent / "host" / "answer.py"
SETTINGS = """\
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
ForceCommand {python} -I -S {answer}
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
"""


def addresses(count: int, net: str = "127.9") -> list[str]:
    """So many addresses of this machine: a connection is shared by address, so each host has its own."""
    return [f"{net}.{number // 250}.{number % 250 + 1}" for number in range(count)]


@contextlib.contextmanager
def answering(directory: Path, count: int, identity: str, net: str = "127.9", port: int = 0) -> Iterator[int]:
    """Let sshd answer on that many addresses for the length of the block; yields the port. `identity` is the key it lets in."""
    host_key = generate("ed25519").reveal()
    texts = {"host_key": host_key, "authorized_keys": public_key(identity) + "\n"}
    texts["sshd_config"] = SETTINGS.format(directory=directory, python=sys.executable, answer=ANSWER)
    for name, text in texts.items():
        durable.replace(directory / name, text.encode())
    Path("/run/sshd").mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        listeners: list[socket.socket] = []
        for address in addresses(count, net):
            listeners.append(stack.enter_context(socket.create_server((address, port), backlog=100)))
            port = port or int(listeners[0].getsockname()[1])
        line = f"[{net}.*]:{port} {public_key(host_key)}\n"
        durable.replace(directory / "known_hosts", line.encode())
        stop, stopped = os.pipe()
        thread = threading.Thread(target=_serve, args=(listeners, stop, directory / "sshd_config"))
        thread.start()
        try:
            yield port
        finally:
            os.close(stopped)
            thread.join()
            os.close(stop)


def _serve(listeners: list[socket.socket], stop: int, settings: Path) -> None:
    """Start one sshd for each connection, until the other end of `stop` is closed; then end those that are left."""
    command = [SSHD, "-i", "-e", "-f", str(settings)]
    started: list[subprocess.Popen[bytes]] = []
    by_number = {listener.fileno(): listener for listener in listeners}
    with selectors.DefaultSelector() as selector:
        for number in (*by_number, stop):
            selector.register(number, selectors.EVENT_READ)
        while stop not in (ready := {key.fd for key, _ in selector.select()}):
            for number in ready:
                connection, _ = by_number[number].accept()
                with connection:
                    into = connection.fileno()
                    started.append(subprocess.Popen(command, stdin=into, stdout=into, stderr=subprocess.DEVNULL))
            started = [process for process in started if process.poll() is None]
    for process in started:
        process.terminate()
        process.wait()
