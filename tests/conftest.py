"""What holds for all tests."""

from hypothesis import settings

settings.register_profile("busy", deadline=None)  # an example that takes long says something of the machine only
settings.load_profile("busy")
