"""The day on which a guest arrives."""

import re


def arrival(text: str) -> str:
    days = re.findall(r"\d{4}-\d{2}-\d{2}", text)
    return days[-1] if days else ""
