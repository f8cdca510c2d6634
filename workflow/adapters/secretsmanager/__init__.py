"""The secret of the catalog's user, while it is rotated."""
