"""Alternatives that a team would choose, with the same catalog, model, Redis and index options."""
