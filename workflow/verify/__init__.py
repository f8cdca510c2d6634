"""The index against the catalog. Reads only, repairs nothing."""
