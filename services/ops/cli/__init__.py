"""The ``lobby`` command: one module a sub-command, with what it takes. What is heavy is imported when it runs."""
