"""Saves a key that was just found OK: a view of Django, and its ASGI application with the endpoint at /keycheck.

In urls.py: `path("accounts", save_django.save)`; in asgi.py: `application = save_django.application()`. Django's own
middleware asks for the CSRF token, which <keycheck-form> sends if its attribute token-header names X-CSRFToken.
"""

import json
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST
from starlette.applications import Starlette
from starlette.routing import Mount

import keycheck.serve
from keycheck import receipt

ENVIRONMENT = "production"  # in which this platform trades; a receipt of another one is refused
saved: list[tuple[str, str, str]] = []  # in your platform: its database, encrypted


@require_POST
@sensitive_variables()  # keeps them out of Django's error reports
def save(request: HttpRequest) -> JsonResponse:
    """Takes the form's `tested`. A browser may send anything: only the receipt shows that this was found OK."""
    given = members(request.body)
    # Save these three, as they were verified; nothing else of the request was tested.
    api_key, passphrase = given.get("apiKey"), given.get("passphrase", "")
    secret = given.get("apiSecret") or given.get("privateKey")
    try:
        receipt.verify(
            given.get("receipt"),
            key=settings.KEYCHECK_RECEIPT_KEY,
            api_key=api_key,
            api_secret=secret,
            passphrase=passphrase,
            environment=ENVIRONMENT,
        )
    except receipt.Refused as refused:
        return JsonResponse({"detail": str(refused)}, status=400)
    saved.append((api_key, secret, passphrase))
    return JsonResponse({}, status=201)


@sensitive_variables()
def members(body: bytes) -> dict[str, Any]:
    """The fields of a JSON object; none for any other body, which then has no receipt."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def application(**options: Any) -> Starlette:
    """The ASGI application. `options`: of `keycheck.serve.app`, such as hosts=["app.example"]."""
    endpoint = keycheck.serve.app(receipt_key=settings.KEYCHECK_RECEIPT_KEY, **options)
    return Starlette(routes=[Mount("/keycheck", endpoint), Mount("/", get_asgi_application())])
