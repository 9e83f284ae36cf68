from hypothesis import settings

pytest_plugins = ["tests.support.plugin", "tests.support.databases"]

# A busy machine is no failure; a run that found something prints how to repeat it.
settings.register_profile("lobby", deadline=None, print_blob=True)
settings.load_profile("lobby")
