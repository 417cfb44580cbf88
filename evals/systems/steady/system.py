"""The reading of a meter."""

import re


def read(text: str) -> str:
    found = re.search(r"reading\W+(\d+)", text, re.IGNORECASE)
    return found[1] if found else ""
