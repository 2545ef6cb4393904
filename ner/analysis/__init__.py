"""Explaining scores: tables, tests and pictures."""
