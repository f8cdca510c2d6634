"""MySQL and Redis as background processes."""
