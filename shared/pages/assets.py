"""The static files of the pages, and the messages that the modules in the browser read."""

import mimetypes
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from shared.pages.messages import LANGUAGES

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file as it is served."""

    body: bytes
    content_type: str
    etag: str


@cache
def assets() -> dict[str, Asset]:
    """Return every static file by its name. What isn't among them is not served."""
    package = files("shared.pages")
    found = {entry.name: entry.read_bytes() for entry in package.joinpath("static").iterdir() if entry.is_file()}
    found |= {f"{lang}.json": package.joinpath("messages", f"{lang}.json").read_bytes() for lang in LANGUAGES}
    return {name: _asset(name, body) for name, body in found.items()}


def asset(name: str) -> Asset | None:
    """Return a static file, or None where there is none of this name."""
    return assets().get(name)


def _asset(name: str, body: bytes) -> Asset:
    suffix = name[name.rfind(".") :]
    kind = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    text = kind.startswith("text/") or suffix in (".svg", ".json")
    return Asset(
        body=body, content_type=f"{kind}; charset=utf-8" if text else kind, etag=sha256(body).hexdigest()[:20]
    )  # fmt: skip
