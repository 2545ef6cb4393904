"""Fitting, scoring and storing a model."""
