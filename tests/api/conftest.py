"""The application over the emulator, called as account 1."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.backend import Backend
from api.settings import ApiSettings
from fleet.aws import AwsClients
from fleet.settings import FleetSettings
from helpers.ports import StoredHelper

ACCOUNT = "account:1"
HELPER_ID = "helper:0f5d9d0e-0000-4000-8000-000000000001"
JWT_SECRET = "j" * 32
CONFIG = {"action": "apply", "tag_ids": ["77"]}


class Api:
    """The application over the emulator, called as account 1."""

    def __init__(self, client: httpx.AsyncClient, backend: Backend, aws: AwsClients) -> None:
        self.client = client
        self.backend = backend
        self.aws = aws

    async def execute(self, helper_id: str = HELPER_ID, **request: Any) -> httpx.Response:
        request.setdefault("json", {"contact_id": "c1", "input": {"n": 1}})
        return await self.client.post(f"/helpers/{helper_id}/execute", **request)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(path, params=params)


@pytest.fixture
async def api(aws: AwsClients, stage_settings: FleetSettings, tmp_path: Path) -> AsyncIterator[Api]:
    settings = ApiSettings(
        stage=stage_settings.stage,
        aws_endpoint_url=stage_settings.aws_endpoint_url,
        sandbox_crm_path=str(tmp_path / "crm.db"),
        artifacts_dir=str(tmp_path),
    )
    secrets = json.dumps(
        {"stripe": {"webhook_secret": "whsec"}, "zoom": {"webhook_secret": "zoomsec"}, "jwt": {"secret": JWT_SECRET}}
    )
    await aws.ssm.put_parameter(
        Name=settings.internal_secrets_param, Value=secrets, Type="SecureString", Overwrite=True
    )
    async with Backend.open(settings, aws) as backend, _client(backend, aws) as api:
        yield api


@asynccontextmanager
async def _client(backend: Backend, aws: AwsClients) -> AsyncIterator[Api]:
    key = await backend.api_keys.create(ACCOUNT, "user:1", "test")
    for helper in (
        StoredHelper(
            helper_id=HELPER_ID, helper_type="tag_it", account_id=ACCOUNT, short_key="tagger",
            connection_id="connection:1", config=CONFIG,
        ),
        StoredHelper(helper_id="helper:off", helper_type="tag_it", account_id=ACCOUNT, enabled=False),
        StoredHelper(helper_id="helper:gone", helper_type="tag_it", account_id=ACCOUNT, status="deleted"),
        StoredHelper(helper_id="helper:foreign", helper_type="tag_it", account_id="account:2", short_key="foreign"),
        StoredHelper(helper_id="helper:old", helper_type="no_such_type", account_id=ACCOUNT),
        StoredHelper(helper_id="helper:chain", helper_type="chain_it", account_id=ACCOUNT, config={"helpers": ["x"]}),
    ):  # fmt: skip
        await backend.helpers.put(helper)
    transport = httpx.ASGITransport(create_app(backend), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers={"X-API-Key": key}) as client:
        yield Api(client, backend, aws)


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem details of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:mfh:problem:{code}"
    assert body["status"] == status
    assert body["detail"]
    return body
