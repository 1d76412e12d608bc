"""The page at /docs: it builds itself from the description, in the browser, and loads nothing from elsewhere."""

import base64
import hashlib
import json
import re
from importlib import resources

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .description import JSON, Description

PAGE = (resources.files(__package__) / "docs.html").read_text(encoding="utf-8")


def _hashes(tag: str) -> str:
    """What allows the page's own elements of a kind, and no others: https://www.w3.org/TR/CSP3/#external-hash."""
    contents = re.findall(rf"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in contents]
    return " ".join(f"'sha256-{digest}'" for digest in digests)


POLICY = "; ".join(
    [
        "default-src 'none'",
        f"script-src {_hashes('script')}",
        f"style-src {_hashes('style')}",
        "connect-src 'self'",
        "media-src blob:",
        "img-src data:",  # the empty icon, without which browsers ask for /favicon.ico
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""Holds the browser to what the page promises: no request but to this server."""


def routes(description: Description) -> list[Route]:
    """The page, the description that it is built from, and the way to it from /."""
    document = json.dumps(description.document, ensure_ascii=False, default=str)  # str: YAML has dates, JSON has not

    async def home(_: Request) -> Response:
        return RedirectResponse("/docs")

    async def page(_: Request) -> Response:
        return Response(PAGE, headers={"Content-Security-Policy": POLICY}, media_type="text/html")

    async def openapi(_: Request) -> Response:
        return Response(document, media_type=JSON)

    return [Route("/", home), Route("/docs", page), Route("/openapi.json", openapi)]
