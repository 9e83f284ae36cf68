"""Tests of the ``lobby`` command."""
