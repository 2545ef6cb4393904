"""Errors that callers tell apart."""

from __future__ import annotations


class Refused(ValueError):
    """A directory holds something that is intact but not the caller's to continue."""
