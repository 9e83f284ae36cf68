"""/docs: the calls to read and to try, from Swagger UI's own files; nothing comes from the internet."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from werkzeug.wrappers import Response

TITLE = "Lobby - the calls of all services"

_FILES = {
    "/docs/swagger-ui.css": ("css/swagger-ui.css", "text/css"),
    "/docs/swagger-ui-bundle.js": ("js/swagger-ui-bundle.js", "text/javascript"),
    "/docs/icon.svg": ("images/swagger.svg", "image/svg+xml"),
}

PATHS = (*_FILES, "/docs", "/docs/start.js")

_PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/icon.svg">
</head>
<body>
<div id="calls"></div>
<noscript><a href="/openapi.json">openapi.json</a></noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#calls", deepLinking: true, filter: true, persistAuthorization: true,
  docExpansion: "list", validatorUrl: null
});
"""

_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


def answer(path: str) -> Response:
    """Answer one of :data:`PATHS`."""
    if path == "/docs":
        response = Response(_PAGE, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = _POLICY
        return response
    if path == "/docs/start.js":
        return Response(_START, content_type="text/javascript; charset=utf-8")
    file, content_type = _FILES[path]
    response = Response(_read(file), content_type=f"{content_type}; charset=utf-8")
    response.headers["Cache-Control"] = "max-age=3600"
    return response


@cache
def _read(file: str) -> bytes:
    return (_folder() / file).read_bytes()


@cache
def _folder() -> Path:
    """Find the wheel's static files without importing it: it would bring Flask in."""
    spec = find_spec("flask_openapi3_swagger")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("flask-openapi3-swagger is not installed; /docs needs its files")
    return Path(spec.submodule_search_locations[0]) / "templates" / "swagger"
