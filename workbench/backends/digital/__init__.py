"""The digital backend: networks on cores with their weights in memory beside the arithmetic."""
