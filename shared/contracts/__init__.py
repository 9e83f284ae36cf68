"""What the services and the outside say to each other: events, HTTP calls, and their documents.

Everything machine-readable (``/asyncapi.json``, ``/openapi.json``, the JSON Schemas) is generated
from here. Nothing in this package does any input or output.
"""
