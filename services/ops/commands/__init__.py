"""One module a sub-command: what it takes on the command line. What is heavy is imported when it runs."""
