"""MariaDB and Redis as background processes."""
