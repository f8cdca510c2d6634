"""Commands of the project's developers: generated pages and pictures."""
