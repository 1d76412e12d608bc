"""Calls: build, send with retries, read; and their connections."""
