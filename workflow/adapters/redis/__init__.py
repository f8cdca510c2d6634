"""Documents, texts, generations, searches and the quota, with redis-py."""
