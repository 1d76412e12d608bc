"""Compare this client with what people would use instead: `make bench`."""
