"""``POST /webhooks/{short_key}``: events of Stripe and Zoom become executions of the stored helper."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.backend import Identifier, Stores
from api.execution_request import (
    ExecuteRequest,
    build_execution,
    check_helper,
    contact_of_query,
    parse_body,
    read_body,
)
from api.problems import Problem
from api.signatures import verify_stripe, verify_zoom, zoom_validation
from fleet.api_keys import ApiKey

ZOOM_TYPES = frozenset({"zoom_webinar_absentee", "zoom_webinar_participant"})

router = APIRouter()


@router.post("/webhooks/{short_key}", status_code=202)
async def receive(short_key: Identifier, request: Request, stores: Stores) -> JSONResponse:
    """Check the signature and store one execution an event; a repeated delivery answers with the same one."""
    body = await read_body(request, stores.settings.api_max_body_bytes)
    helper = check_helper(await stores.helpers.find(short_key, None), short_key)
    now = time.time()
    if helper.helper_type == "stripe_hooks":
        verify_stripe(request.headers.get("Stripe-Signature", ""), body, _secret(stores.webhook_secrets, "stripe"), now)
        event = parse_body(body)
        identity = str(event.get("id") or "")
    elif helper.helper_type in ZOOM_TYPES:
        secret = _secret(stores.webhook_secrets, "zoom")
        stamp = request.headers.get("x-zm-request-timestamp", "")
        verify_zoom(request.headers.get("x-zm-signature", ""), stamp, body, secret, now)
        event = parse_body(body)
        if event.get("event") == "endpoint.url_validation":
            payload = event.get("payload")
            token = payload.get("plainToken") if isinstance(payload, dict) else None
            if not isinstance(token, str):
                raise Problem(422, "invalid_request", "payload.plainToken: send the text to sign")
            return JSONResponse(zoom_validation(token, secret))
        # Zoom's events have no id, and the time of the request is another one at each delivery.
        identity = hashlib.sha256(body).hexdigest()
    else:
        raise Problem(404, "helper_not_found", "this helper takes no webhooks")
    # Nobody's key: the signature is what vouches for the request.
    caller = ApiKey(key_id="", account_id=helper.account_id, user_id="")
    wanted = build_execution(
        helper,
        caller,
        ExecuteRequest(contact_id=contact_of_query(request), input=event),
        dict(request.query_params),
        f"webhook:{helper.helper_id}:{identity}" if identity else None,
        trigger_type="webhook",
        contact_optional=True,
    )
    stored, _created = await stores.executions.create(wanted)
    return JSONResponse({"execution_id": stored.execution_id, "status": stored.status}, status_code=202)


def _secret(secrets: dict[str, Any], service: str) -> str:
    section = secrets.get(service)
    secret = section.get("webhook_secret") if isinstance(section, dict) else None
    if not secret:
        raise Problem(503, "webhook_not_configured", f"the platform has no webhook secret of {service}")
    return str(secret)
