"""What holds for all tests: a property is no stopwatch, since the machine that runs them may be busy."""

from hypothesis import settings

settings.register_profile("rowen", deadline=None)
settings.load_profile("rowen")
