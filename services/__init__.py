"""The services of Lobby. They never import each other; they share ``shared``."""
