"""Values that events of several producers and HTTP calls carry."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from shared.contracts.base import Id

CardTier = Literal["none", "gold", "platinum", "private"]


@dataclass(frozen=True, kw_only=True)
class LocalizedText:
    """A sentence or a name in the languages of the pages."""

    zh: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a decision was made: the rule's name, and the same in words."""

    rule: str
    zh: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Customer:
    """What is known of who asks for a ticket (T1). Every field is optional; no personal data."""

    customer_ref: Annotated[Id | None, Field(description="Opaque; never a name, a phone or a card number.")] = None
    card_tier: CardTier = "none"
    card_token: Annotated[Id | None, Field(description="The card reader's token of the card.")] = None
    age: Annotated[int | None, Field(ge=0, le=130)] = None
    mobility_impaired: bool = False
    pregnant: bool = False
    with_infant: bool = False
    urgent: bool = False
    party_size: Annotated[int, Field(ge=1, le=50)] = 1
    appointment_id: Id | None = None


UNKNOWN_CUSTOMER: Final = Customer()
"""A customer of whom nothing is known."""
