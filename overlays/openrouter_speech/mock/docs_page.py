"""The page at /docs, rendered in the browser from the description. It loads nothing from other servers."""

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
    """Hash the page's own `<tag>` elements, to allow only them: https://www.w3.org/TR/CSP3/#external-hash."""
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
        "img-src data:",  # the empty icon, which keeps browsers from requesting /favicon.ico
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The Content-Security-Policy: requests go to this server only."""


def routes(description: Description) -> list[Route]:
    """Build the routes for the page, its description, and the redirect from /."""
    document = json.dumps(description.document, ensure_ascii=False, default=str)  # str: YAML has dates, JSON does not

    async def home(_: Request) -> Response:
        return RedirectResponse("/docs")

    async def page(_: Request) -> Response:
        return Response(PAGE, headers={"Content-Security-Policy": POLICY}, media_type="text/html")

    async def openapi(_: Request) -> Response:
        return Response(document, media_type=JSON)

    return [Route("/", home), Route("/docs", page), Route("/openapi.json", openapi)]
