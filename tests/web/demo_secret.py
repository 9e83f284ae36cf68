"""What no answer may ever hold."""

SECRET = "postgresql://lobby:hunter2@db/lobby"
