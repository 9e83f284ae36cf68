"""The Jinja2 environment of the pages. A package's templates may build on those here."""

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from shared.pages.language import LANGUAGES, Language
from shared.pages.messages import Translator


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
