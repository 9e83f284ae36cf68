"""The Jinja2 environment of the pages, whose templates others build on, and what a browser may do with a page."""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from shared.pages.messages import LANGUAGES, Language, Translator

CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
    "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
))  # fmt: skip

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def document_headers(style: str) -> dict[str, str]:
    """Return the headers of a document that carries exactly this style sheet, and no script."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    return {**HEADERS, "Content-Security-Policy": policy}


@cache
def environment(package: str = "shared.pages") -> Environment:
    """Return the environment for the templates of a package; everything is escaped, nothing may be missing."""
    loaders = [PackageLoader(name) for name in dict.fromkeys((package, "shared.pages"))]
    return Environment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def render(template: str, *, lang: Language, package: str = "shared.pages", **values: object) -> str:
    """Fill a template in; ``t`` says things in the page's language there."""
    return environment(package).get_template(template).render(
        t=Translator(lang), lang=lang, languages=LANGUAGES, **values
    )  # fmt: skip
