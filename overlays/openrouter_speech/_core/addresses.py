"""The host and the port of a URL, checked more closely than httpx does before it connects. Pure."""

import httpx

_LARGEST_PORT = 0xFFFF
_NOT_IN_A_HOST = frozenset(" %<>\\^`{|}")


def host_and_port(url: str) -> tuple[str, int | None]:
    """Take a URL apart.

    Returns:
        The host, and the port, if one is named.

    Raises:
        ValueError: It is not a URL, names no host, or a port that is none: the system would count a larger one modulo
            65536, and connect to another. The message is the end of a sentence that begins with what it is the URL of.
    """
    try:
        parsed = httpx.URL(url)
        host, port = parsed.host, parsed.port  # an `xn--` name that is not one raises a ValueError here
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"is not a URL: {error}") from None
    if not host:
        raise ValueError("names no host")
    if not _NOT_IN_A_HOST.isdisjoint(host):
        raise ValueError(f"names {host!r}, which is not a host")
    if port is not None and not 0 < port <= _LARGEST_PORT:
        raise ValueError(f"has the port {port}; ports go from 1 to {_LARGEST_PORT}")
    return host, port
