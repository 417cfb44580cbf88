"""The team that a customer's message is for."""

TEAMS = {
    "parcel": "delivery",
    "refund": "billing",
    "password": "accounts",
    "broken": "repairs",
    "invoice": "billing",
}


def route(text: str) -> str:
    subject = text.splitlines()[0].lower()
    for word, team in TEAMS.items():
        if word in subject:
            return team
    return "general"
