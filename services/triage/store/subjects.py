"""What the events of counters, devices, appointments… are about: one subject for each thing of a branch."""

from hashlib import sha256

LONGEST = 128
"""Of an event's subject."""


def subject_of(kind: str, *names: str) -> str:
    """Return the subject of a thing: its kind and names, or a digest of them where they are too long for one."""
    text = ":".join((kind, *names))
    return text if len(text) <= LONGEST else f"{kind}:{sha256(text.encode()).hexdigest()}"
