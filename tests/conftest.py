"""What holds for every test."""

from hypothesis import settings

# A machine may be busy: how long an example takes says nothing about whether it is right.
settings.register_profile("anywhere", deadline=None)
settings.load_profile("anywhere")
