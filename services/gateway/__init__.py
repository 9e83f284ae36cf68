"""The gateway: terminals' events, the live stream, dead letters, and the pages."""
