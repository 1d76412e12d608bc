"""Soak test: many calls from threads and tasks to a failing server, then a search for leaks. Run `make soak`."""
