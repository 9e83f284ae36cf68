"""The HTTP calls, one :class:`Operation` each: what the edge serves, the documents describe and clients use."""
