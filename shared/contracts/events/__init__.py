"""Every event, declared once: a module a producer, the newest version of each type and the values that it carries.

The domain records these classes and the log stores them; nothing else has their fields. They are frozen dataclasses of
the standard library. What an annotation says of a field (limits, units, meaning, source) is checked when the event is
stored and when it is read, and is what /asyncapi.json tells the outside.
"""
