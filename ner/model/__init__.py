"""Batches to emissions to tags."""
