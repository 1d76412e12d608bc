"""Many calls, from threads and tasks, while the server fails: what is left of them afterwards? `make soak` runs it."""
