"""What keeps data: network, Aurora, the Redis host."""
