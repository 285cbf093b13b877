"""Fuzzes parser, encoder and upsert with coverage feedback: `python -m tests.codec.fuzz -runs=20000 -seed=1`, or `make fuzz`."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import atheris

from tests import codec

FIXTURES = Path(codec.__file__).resolve().parents[1] / "fixtures" / "env"
with atheris.instrument_imports(include=["mycoops_envfile", "mycoops_encoding", "mycoops_readers", "mycoops_delivery_files"]):
    from tests.codec import properties


def one_input(data: bytes) -> None:
    """The first byte says the readers, the second where a value ends and the file begins."""
    if len(data) < 2:
        return
    first = data[0] % len(properties.READERS)
    readers = [properties.READERS[first], properties.READERS[(first + data[0] // 16) % len(properties.READERS)]][: 1 + data[0] % 2]
    value, raw = data[2 : 2 + data[1] % 64], data[2 + data[1] % 64 :]
    text = value.decode("utf-8", "replace")
    properties.parses(raw, [])
    parsed = properties.parses(raw, readers)
    if properties.encodes(text, readers) is not None and parsed is not None:
        properties.merges(raw, "PROBE", text, readers)
        properties.merges(
            raw, next((line.name for line in parsed.lines if re.fullmatch("[A-Z_]+", line.name)), "PROBE"), text, readers
        )


def seeds(place: Path) -> None:
    """Begin with the files of the fixtures."""
    for number, path in enumerate(sorted(FIXTURES.glob("*.env"))):
        (place / path.name).write_bytes(bytes([number * 16 % 256, 9]) + b"it's a \\v" + path.read_bytes())


def main() -> None:
    """Fuzz as the arguments of libFuzzer say; ends the process."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        seeds(Path(place))
        atheris.Setup([*sys.argv, "-max_len=1500", f"-artifact_prefix={place}/", place], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
