"""What a team would pick instead, over the same catalog, model, Redis and index options."""
