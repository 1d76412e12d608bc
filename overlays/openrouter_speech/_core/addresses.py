"""The host and port of a URL, checked more strictly than by httpx. Pure."""

import httpx

_MAX_PORT = 0xFFFF
_NOT_IN_A_HOST = frozenset(" %<>\\^`{|}")


def host_and_port(url: str) -> tuple[str, int | None]:
    """Parse a URL's host and port.

    Returns:
        The host, and the port or None.

    Raises:
        ValueError: It is not a URL, has no host, or has a port out of range, which the system would take modulo 65536.
            The message completes a sentence that starts with the name of the setting.
    """
    try:
        parsed = httpx.URL(url)
        host, port = parsed.host, parsed.port  # an invalid `xn--` name raises a ValueError here
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"is not a URL: {error}") from None
    if not host:
        raise ValueError("names no host")
    if not _NOT_IN_A_HOST.isdisjoint(host):
        raise ValueError(f"names {host!r}, which is not a host")
    if port is not None and not 0 < port <= _MAX_PORT:
        raise ValueError(f"has the port {port}; ports go from 1 to {_MAX_PORT}")
    return host, port
