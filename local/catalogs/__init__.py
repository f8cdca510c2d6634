"""Catalogs to try: the FDA's directory, a CSV file."""
