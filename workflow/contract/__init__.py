"""What every room shares: errors, settings, columns, documents, events, ports."""
