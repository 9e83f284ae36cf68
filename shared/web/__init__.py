"""The web edge: HTTP entrypoints for nameko, checked once and for all before a service sees a call.

``entrypoint.http`` makes a method answer an operation, ``call.Call`` is what it gets, ``sse`` streams.
"""
