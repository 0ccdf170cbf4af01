"""Campaigns: much that is tried, in shards, on as many processes and machines as there are."""
