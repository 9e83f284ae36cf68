"""Changed copies of frozen records.

A step of a ticket's life makes about ten copies of a record with thirty fields. ``dataclasses.replace`` gives
each of the fields to the constructor again, which takes twenty times as long; a frozen record without slots is
its ``__dict__``. One with slots takes half of the memory and a little longer: for what is kept by the ten
thousand. Part of the model, since it is the model's records that are copied, and a module by itself, since
every other module of the model needs it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the type checker knows this one's fields
    from dataclasses import replace
else:

    def replace(record: Any, **changes: Any) -> Any:
        """Return a copy with these fields changed; raise TypeError for one that the record does not have."""
        slots = getattr(record, "__slots__", ())
        if slots:
            return _with_slots(record, slots, changes)
        fields = record.__dict__
        if not changes.keys() <= fields.keys():
            raise TypeError(f"{type(record).__name__} has no field {', '.join(changes.keys() - fields.keys())}")
        copy = object.__new__(type(record))
        copy.__dict__.update(fields, **changes)  # past __setattr__, which a frozen dataclass refuses
        return copy

    def _with_slots(record: Any, slots: tuple[str, ...], changes: dict[str, Any]) -> Any:
        if not changes.keys() <= set(slots):
            raise TypeError(f"{type(record).__name__} has no field {', '.join(changes.keys() - set(slots))}")
        copy = object.__new__(type(record))
        for name in slots:
            object.__setattr__(copy, name, changes[name] if name in changes else getattr(record, name))
        return copy


__all__ = ["replace"]
