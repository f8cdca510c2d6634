"""The index against the catalog. Looks, never mends."""
