"""The catalog, with mysql-connector-python."""
