"""Values that env files get wrong, the same for the same seed; none of them is anybody's."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator

SEED = 20_260_401
PRINTABLE = "".join(map(chr, range(32, 127)))
NASTY = (
    "", " ", "  ", "\t", "#", "##", "=", "==", "'", "''", '"', '""', "`", "``", "\\", "\\\\", "$", "$$", "~", "!", "!!", "%", "*",
    ";", "it's", "'x'", '"x"', "`x`", "'x", "x'", '"x', 'x"', "x\\", "x\\\\", "\\x", "\\'", '\\"', "'\\''", "a\\'b", 'a\\"b',
    "a'\"b", "'\"'", "$X", "${X}", "${X:-y}", "${X", "$X}", "$(id)", "$((1+1))", "`id`", "$'x'", '$"x"', "$$x", "\\$X", "\\${X}",
    "\\\\${X}", "{}", "${}", "#x", "x#", "x #", "x # y", "x#y", " #x", "'x' # y", "'x'#y", "x\t#y", "; x", "x;y", "x&y", "x|y",
    "x>y", "x<y", "(x)", "x(y)z", "[x]", " x", "x ", " x ", "\tx", "x\t", "x  y", "x y", "\u00a0x\u00a0", "\u2003x", "x\u2003",
    "\u3000x\u3000", "\ufeffx", "x\ufeff", "\u0085x", "~x", "~/x", "x:~/y", "*", "?", "x*", "[a-z]", "{a,b}", "!x", "x!y", "%s",
    "%%", "%{x}", "{{ x }}", "{% x %}", "@x", "^x", "-x", "+x", "\\n", "\\r", "\\t", "\\\\n", "x\\ny", "\\0", "\\x41", "\\u0041",
    "\\a\\b\\f\\v\\c", "\\101", "\\0101", "C:\\new\\table", "\\\\host\\x", "\n", "\r", "\r\n", "x\n", "\nx", "x\ny", "x\ry",
    "x\r\ny", "x\r", "\rx", "x\n\ny", "x\\\ny", "x\nY=z", "x'\ny", 'x"\ny', "x\n#y", "x\n\n", "x=y", "=x", "x=", "A=b=c",
    "export X=y", "X=y", "NAME", "x,y", "x;", "a.b-c_d", "/", "//", "/x/y", "x:y", ":x", "a@b:c/d?e=f&g=h#i", '{"a": "b"}',
    '["a","b"]', '{"Authorization":"Bearer x.y"}', "postgresql://u:p%40s@h:5432/d?sslmode=require", "redis://:p@h:6379/0",
    "-----BEGIN X-----\nAAAA/+==\n-----END X-----\n", "<a href='x'>\"y\"</a>", "true", "false", "null", "~", "yes", "0", "-0",
    "1e3", "0x10", "üñîçødé", "密码", "пароль", "🔐", "e\u0301", "\u202ex", "x\u2028y", "x\u2029y", "x\u0085y", "\u200bx",
    "x\u00ady", "\U0010ffff", "x\ufffe", "\uffff", "\ufdd0", "\U0001fffe", "\ud7ff", "\ue000", "x\x1cy", "x\x1dy", "x\x1ey",
    "x\x1fy", "x\x0by", "x\x0cy", "x\x07y", "x\x1by", "x\x7fy", "\x01", "x\x0b", "\x0cx", "\x1cx", "x\x1f", "x" * 4000,
    "x y'" * 1000, "\\" * 101, "'" * 100, '"' * 101, "$" * 100, "`" * 99, "#" * 100, "\n" * 50, "x" * 65_500, "x" * 65_540,
)  # fmt: skip


def positions() -> Iterator[str]:
    """Every character of one byte, and of two bytes up to U+00FF: alone, first, in the middle, last."""
    for code in range(1, 256):
        char = chr(code)
        yield from (char, f"{char}key", f"ke{char}y", f"key{char}")


def passwords(number: int, made: random.Random) -> Iterator[str]:
    """Random printable passwords of 32 characters, as a person's generator makes them; no blanks."""
    for _ in range(number):
        yield "".join(made.choices(string.ascii_letters + string.digits + string.punctuation, k=32))


def mixtures(number: int, made: random.Random) -> Iterator[str]:
    """Random texts in which what parsers stumble over stands close together, in many scripts and lengths."""
    hard = "'\"`\\$#{}()=;&|<>~!*?[]%^ \t\n\r\x0b\x0c\x1c\x85\u00a0\u2028\u2029\ufeff"
    for _ in range(number):
        size = made.choice((1, 2, 3, 5, 8, 13, 40))
        yield "".join(_character(made, hard) for _ in range(size))


def _character(made: random.Random, hard: str) -> str:
    kind = made.random()
    if kind < 0.5:
        return made.choice(hard)
    if kind < 0.85:
        return made.choice(PRINTABLE)
    code = made.randrange(1, 0x11_0000) if kind > 0.95 else made.randrange(1, 0x800)
    return chr(code) if not 0xD800 <= code < 0xE000 else "x"


def corpus() -> list[str]:
    """The values of every test run, without doubles."""
    made = random.Random(SEED)
    return list(dict.fromkeys([*NASTY, *positions(), *passwords(300, made), *mixtures(300, made)]))


def soak(number: int, seed: int) -> Iterator[str]:
    """`number` random values, half of them passwords."""
    made = random.Random(seed)
    for _ in range(number):
        yield next(passwords(1, made) if made.random() < 0.5 else mixtures(1, made))


def secrets_of_people(number: int = 400) -> list[str]:
    """What the control writes without an encoder: passwords alone, because that is what somebody pastes into a file."""
    return list(passwords(number, random.Random(SEED + 1)))
