"""Runs the example of a helper class."""

from __future__ import annotations

from typing import Any

from helpers.contract import Helper
from helpers.testing import HelperRun, run_helper

# Fixed, so that ids derived from the execution are the same each time.
IDS = {
    "execution_id": "exec:01970000-0000-7000-8000-000000000001",
    "helper_id": "helper:01970000-0000-7000-8000-000000000002",
    "account_id": "account:example",
}


async def run_example(helper: type[Helper[Any]]) -> HelperRun:
    """Run the helper with the arguments of its example."""
    example = helper.example
    return await run_helper(
        helper.type,
        example.config,
        crm=example.crm,
        contact_id=example.contact_id,
        input=example.input,
        query_params=example.query_params,
        http=example.http,
        service_auths=example.service_auths,
        stored_helpers=example.stored_helpers,
        settings=example.settings,
        ids=IDS,
    )
