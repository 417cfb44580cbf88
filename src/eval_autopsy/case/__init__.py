"""The case: what is compared, how it is scored, and what a person has to decide only once."""
