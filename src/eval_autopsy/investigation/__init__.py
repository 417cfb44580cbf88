"""The steps of an investigation: what each establishes, what it needs, what is on record."""
