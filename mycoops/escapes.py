"""How a text looks after it was escaped: in each way once or twice as texts, and however often as a pattern."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

ESCAPES: tuple[Callable[[str], str], ...] = (
    lambda text: quote(text, safe=""),
    quote,
    quote_plus,
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: shlex.quote(f" {text}")[2:-1],
    lambda text: repr(text)[1:-1],
    lambda text: repr(text.encode("utf-8", "surrogatepass"))[2:-1],
    html.escape,
    lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    re.escape,
    lambda text: text.replace("'", "''"),
)
"""How a text is written inside a URL, JSON, a shell's word, Python, HTML by Python or Jinja, a pattern, quotes of YAML or SQL."""
DEPTH = 2
"""A result that holds JSON is shown as JSON."""
PLAIN = re.compile(r"[A-Za-z0-9_]+")
"""What every way of escaping leaves as it is."""
ENOUGH = 12
"""Letters and digits, all together: a text with fewer has no pattern, because that would fit ordinary words."""
NUMBER = r"x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[abfnrtv0]"
BETWEEN = (
    rf"(?:[^A-Za-z0-9_]|(?i:(?<=\\)(?:{NUMBER})|(?<=&)(?:amp;)*[a-z]{{2,4}}|(?<=\#)x?[0-9a-f]{{2,6}}"
    rf"|(?<=%)(?:25)*(?:5c(?:{NUMBER})|26[a-z]{{2,4}}|23x?[0-9a-f]{{2,6}}|[0-9a-f]{{2}})))"
)
"""One of what a letter other than those becomes: signs, or a number or a name behind a sign that announces one."""
LONGEST = 40
"""Of what one such letter becomes, however often it was escaped."""


def escaped(text: str) -> set[str]:
    """The text in clear, escaped in every way, and what came of that once more."""
    found = last = {text}
    for _ in range(DEPTH):
        last = {escape(one) for one in last for escape in ESCAPES} - found
        found = found | last
    return found


def anchor(text: str) -> str:
    """The longest part of a text that is in all it can be escaped to."""
    return max(PLAIN.findall(text), key=len, default="")


def pattern(text: str) -> str:
    """A regular expression for the text escaped in these ways however often, or broken over lines; empty where it has none."""
    parts, found, end = list(PLAIN.finditer(text)), "", 0
    if sum(len(part[0]) for part in parts) < ENOUGH:
        return ""
    for part in parts:
        gap = part.start() - end
        found += (rf"{BETWEEN}{{{gap},{gap * LONGEST}}}" if found else "") + part[0]
        end = part.end()
    return found
