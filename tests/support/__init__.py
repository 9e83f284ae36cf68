"""Real servers for the tests: where they come from, and that nothing of them stays behind."""
