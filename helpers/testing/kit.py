"""run_helper: one helper, one run, everything in memory."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from helpers import registry
from helpers.contract import HelperOutput
from helpers.errors import ConfigRefused, HelperError
from helpers.invocation import Invocation, Ports, invoke
from helpers.ports import HelperSettings, MailMessage
from helpers.testing.fakes import (
    FakeBackups,
    FakeClock,
    FakeDirectory,
    FakeFiles,
    FakeMailer,
    FakeResolver,
    FakeServiceAuths,
    FakeSpawner,
    FakeState,
    KeptFile,
)
from helpers.testing.http_script import ScriptedTransport
from helpers.testing.sandbox_crm import SandboxCRM

FIXED_NOW = datetime(2026, 1, 15, 10, 0, 0, tzinfo=UTC)


@dataclass(kw_only=True)
class HelperRun:
    """What one run did. ``state`` and ``crm`` may be passed into the next run."""

    output: HelperOutput | None
    error: HelperError | None
    config_error: ConfigRefused | None
    crm: SandboxCRM
    requests: list[httpx.Request]
    children: list[dict[str, Any]]
    mails: list[MailMessage]
    files: list[KeptFile]
    state: FakeState
    clock: FakeClock
    service_auths: FakeServiceAuths
    spawner: FakeSpawner


async def run_helper(
    helper_type: str,
    config: Mapping[str, Any] | None,
    *,
    contact_id: str = "c1",
    crm: SandboxCRM | Mapping[str, Any] | None = None,
    input: Mapping[str, Any] | None = None,  # noqa: A002 - the name of the stored attribute
    query_params: Mapping[str, str] | None = None,
    http: Sequence[Mapping[str, Any]] = (),
    now: str | datetime | None = None,
    service_auths: Mapping[str, Mapping[str, Any]] | None = None,
    ids: Mapping[str, Any] | None = None,
    state: FakeState | None = None,
    stored_helpers: Sequence[Mapping[str, Any]] = (),
    settings: Mapping[str, Any] | None = None,
) -> HelperRun:
    """Run one helper against the sandbox CRM; never raises for what the helper does (see ``error``).

    ``config`` is checked first: a refused one sets ``config_error`` and runs nothing. ``crm`` is None (no
    connection), a SandboxCRM, or the dict it loads from; ``now`` is ISO text or an aware datetime.
    """
    names = {
        "execution_id": f"exec:{uuid.uuid4()}",
        "helper_id": "helper:test",
        "account_id": "account-1",
        "user_id": "user-1",
        "depth": 0,
        "chain_path": [],
        **(ids or {}),
    }
    clock = FakeClock(_instant(now))
    memory = state if state is not None else FakeState()
    memory.clock = clock
    sandbox = crm if isinstance(crm, SandboxCRM) else SandboxCRM(crm)
    transport = ScriptedTransport(http)
    spawner, mailer, files = FakeSpawner(), FakeMailer(), FakeFiles(names["account_id"])
    auths = FakeServiceAuths(service_auths or {})
    output: HelperOutput | None = None
    error: HelperError | None = None
    config_error: ConfigRefused | None = None
    async with httpx.AsyncClient(transport=transport, follow_redirects=False) as client:
        try:
            output = await invoke(
                registry.load(helper_type),
                Invocation(
                    execution_id=names["execution_id"],
                    helper_id=names["helper_id"],
                    account_id=names["account_id"],
                    user_id=names["user_id"],
                    connection_id=names.get("connection_id", "" if crm is None else "connection:test"),
                    contact_id=contact_id,
                    config=config if config is not None else {},
                    input=dict(input or {}),
                    query_params=dict(query_params or {}),
                    root_execution_id=names.get("root_execution_id", ""),
                    depth=names["depth"],
                    chain_path=tuple(names["chain_path"]),
                ),
                Ports(
                    crm=None if crm is None else sandbox,
                    http=client,
                    clock=clock,
                    state=memory,
                    executions=spawner,
                    helpers=FakeDirectory(stored_helpers, names["account_id"]),
                    mail=mailer,
                    files=files,
                    backups=FakeBackups(files),
                    resolver=FakeResolver(),
                    service_auths=auths,
                    settings=HelperSettings(**(settings or {})),
                ),
            )
        except ConfigRefused as exc:
            config_error = exc
        except HelperError as exc:
            error = exc
    return HelperRun(
        output=output,
        error=error,
        config_error=config_error,
        crm=sandbox,
        requests=transport.requests,
        children=spawner.children,
        mails=mailer.mails,
        files=files.files,
        state=memory,
        clock=clock,
        service_auths=auths,
        spawner=spawner,
    )


def _instant(now: str | datetime | None) -> datetime:
    if now is None:
        return FIXED_NOW
    moment = datetime.fromisoformat(now) if isinstance(now, str) else now
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)
