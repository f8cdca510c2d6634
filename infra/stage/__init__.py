"""A stage file and what it may say."""
