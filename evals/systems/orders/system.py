"""Who orders what, read from the lines of a form."""

import re


def read(text: str) -> dict[str, str]:
    found = dict(re.findall(r"^(Customer|Item|Quantity): (.*)$", text, re.MULTILINE))
    return {name.lower(): found.get(name, "") for name in ("Customer", "Item", "Quantity")}
