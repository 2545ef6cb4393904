"""Errors that callers tell apart."""

from __future__ import annotations


class Refused(ValueError):
    """What is in a directory is not the caller's to go on with, and nothing is wrong with it."""
