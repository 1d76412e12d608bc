"""What can be decided without I/O and without a clock: audio, headers, error bodies, retries."""
