"""``GET /r/{short_key}``: runs a routing helper for a visitor and answers 302.

The link is public: it runs only helpers that route visitors, and only as their account configured them.
"""

from __future__ import annotations

import asyncio

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.backend import Backend, Identifier, Stores
from api.execution_request import check_helper
from api.problems import Problem
from fleet.execution import Execution, new_execution_id
from helpers import registry
from helpers.errors import HelperError, UnknownHelperType
from helpers.ports import StoredHelper

log = structlog.get_logger(__name__)

# A visitor waits; the helper's own look-ups are bounded well below.
TOTAL_SECONDS = 15.0
CONTACT_PARAMETERS = ("contact_id", "contactId", "Id", "id")

router = APIRouter()


@router.get("/r/{short_key}")
async def follow(short_key: Identifier, request: Request, stores: Stores) -> Response:
    """Send the visitor on. Nothing is cached: the next visit may be routed elsewhere."""
    helper = check_helper(await stores.helpers.find(short_key, None), short_key)
    url = await _route(stores, helper, request)
    return RedirectResponse(url, status_code=302, headers={"Cache-Control": "no-store"})


async def _route(stores: Backend, helper: StoredHelper, request: Request) -> str:
    try:
        kind = await asyncio.to_thread(registry.load, helper.helper_type)
    except UnknownHelperType as exc:
        raise Problem(404, "helper_not_found", "there is no such link") from exc
    if not kind.routes_visitors:
        raise Problem(404, "helper_not_found", "there is no such link")
    execution = visit(helper, request)
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            output = await stores.runs.run(kind, execution)
    except TimeoutError as exc:
        raise Problem(504, "routing_timeout", "the destination could not be found in time; try again") from exc
    except HelperError as exc:
        log.warning("routing_failed", helper_id=helper.helper_id, error=str(exc))
        status = 503 if exc.retryable else 404
        raise Problem(status, "no_destination", "this link has no destination for this visit") from exc
    url = output.modified_data.get("redirect_url")
    if not output.success or not isinstance(url, str):
        raise Problem(404, "no_destination", "this link has no destination for this visit")
    try:
        await stores.helpers.count_run(helper.helper_id)
    except (ClientError, BotoCoreError) as exc:
        # A statistic, on one row that every visitor writes: it must not keep any of them.
        log.warning("run_not_counted", helper_id=helper.helper_id, error=str(exc))
    return url


def visit(helper: StoredHelper, request: Request) -> Execution:
    """The run of this visit; it is not stored. The visitor's address is what the proxy in front of us saw."""
    parameters = dict(request.query_params)
    contact_id = next((parameters[name].strip() for name in CONTACT_PARAMETERS if parameters.get(name)), "")
    execution_id = new_execution_id()
    return Execution(
        execution_id=execution_id,
        root_execution_id=execution_id,
        helper_id=helper.helper_id,
        helper_type=helper.helper_type,
        account_id=helper.account_id,
        # Without a contact there is nothing to look up or to write to.
        connection_id=helper.connection_id if contact_id else "",
        contact_id=contact_id,
        config=helper.config,
        input={"ip_address": request.client.host} if request.client else {},
        query_params=parameters,
        trigger_type="link",
    )
