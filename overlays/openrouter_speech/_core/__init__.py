"""The decisions that need no I/O and no clock: audio, headers, error bodies, retries."""
