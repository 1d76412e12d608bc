"""One call: put together, sent with retries, read; and the connections that it takes."""
