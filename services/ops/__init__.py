"""The ``lobby`` command: runs the services, simulates branches, and looks after both."""
