"""Compares the index with the catalog. Reads only, repairs nothing."""
