"""Runs one helper the way the worker does, on in-memory ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from helpers import registry
from helpers.contract import HelperOutput
from helpers.errors import ConfigRefused, HelperCrashed, HelperError
from helpers.invocation import Invocation, Ports, invoke, parse_config
from helpers.ports import HelperSettings, MailMessage, ServiceAuth
from helpers.testing.ports import (
    FakeBackups,
    FakeClock,
    FakeDirectory,
    FakeFiles,
    FakeMailer,
    FakeResolver,
    FakeServiceAuths,
    RecordingSpawner,
    RunState,
    WrittenFile,
)
from helpers.testing.sandbox import SandboxCRM
from helpers.testing.transport import RecordingTransport


@dataclass(frozen=True, kw_only=True)
class HelperRun:
    """What one run did. ``output`` is None when it raised, ``config_error`` set when it never started."""

    output: HelperOutput | None = None
    error: HelperError | None = None
    config_error: ConfigRefused | None = None
    crm: SandboxCRM = field(default_factory=SandboxCRM)
    requests: list[httpx.Request] = field(default_factory=list)
    children: list[dict[str, Any]] = field(default_factory=list)
    mails: list[MailMessage] = field(default_factory=list)
    files: list[WrittenFile] = field(default_factory=list)
    state: RunState = field(default_factory=RunState)
    clock: FakeClock = field(default_factory=FakeClock)
    service_auths: dict[str, ServiceAuth] = field(default_factory=dict)


async def run_helper(
    helper_type: str,
    config: Mapping[str, Any] | None,
    *,
    contact_id: str = "c1",
    crm: SandboxCRM | Mapping[str, Any] | None = None,
    input: Mapping[str, Any] | None = None,  # noqa: A002 - the stored attribute name
    query_params: Mapping[str, str] | None = None,
    http: Sequence[Mapping[str, Any]] = (),
    now: str | datetime | None = None,
    service_auths: Mapping[str, Mapping[str, Any]] | None = None,
    ids: Mapping[str, Any] | None = None,
    state: RunState | None = None,
    stored_helpers: Sequence[Mapping[str, Any]] = (),
    settings: Mapping[str, Any] | None = None,
) -> HelperRun:
    """Run a helper once: the config is checked first, then everything goes through `helpers.invocation.invoke`.

    Raises only for a mistake of the test itself (unknown type, unusable fixture); what the helper raised is
    ``run.error``. Without ``crm`` the execution has no connection, and ``run.crm`` is an empty sandbox.
    """
    helper = registry.load(helper_type)
    state = state or RunState()
    clock = state.clock = FakeClock(now)
    sandbox = crm if isinstance(crm, SandboxCRM) else SandboxCRM(crm)
    try:
        parse_config(helper, config)
    except ConfigRefused as refusal:
        return HelperRun(config_error=refusal, crm=sandbox, state=state, clock=clock)
    connector = None if crm is None else sandbox
    invocation = _invocation(config or {}, contact_id, input, query_params, ids or {}, has_crm=connector is not None)
    helper_settings = HelperSettings.model_validate(dict(settings or {}))
    transport = RecordingTransport(http)
    spawner, mailer = RecordingSpawner(state), FakeMailer()
    files = FakeFiles(state, invocation.account_id)
    auths = FakeServiceAuths(service_auths or {})
    output: HelperOutput | None = None
    error: HelperError | None = None
    async with httpx.AsyncClient(
        transport=transport, timeout=httpx.Timeout(30, connect=5), headers={"User-Agent": helper_settings.user_agent}
    ) as client:
        ports = Ports(
            crm=connector, http=client, clock=clock, state=state, executions=spawner,
            helpers=FakeDirectory(stored_helpers, invocation.account_id), mail=mailer, files=files,
            backups=FakeBackups(files), resolver=FakeResolver(), service_auths=auths, settings=helper_settings,
        )  # fmt: skip
        try:
            output = await invoke(helper, invocation, ports)
        except HelperError as exc:
            error = exc
    if transport.unmatched is not None and not isinstance(error, HelperCrashed):
        # The helper swallowed it, which must not make the test pass.
        output, error = None, HelperCrashed(str(transport.unmatched))
    return HelperRun(
        output=output, error=error, crm=sandbox, requests=transport.requests, children=spawner.children,
        mails=mailer.mails, files=files.files, state=state, clock=clock, service_auths=auths.auths,
    )  # fmt: skip


def _invocation(
    config: Mapping[str, Any],
    contact_id: str,
    input_: Mapping[str, Any] | None,
    query_params: Mapping[str, str] | None,
    ids: Mapping[str, Any],
    *,
    has_crm: bool,
) -> Invocation:
    execution_id = ids.get("execution_id") or f"exec:{uuid4()}"
    return Invocation(
        execution_id=execution_id,
        helper_id=ids.get("helper_id") or "helper:test",
        account_id=ids.get("account_id") or "account:test",
        user_id=ids.get("user_id") or "user:test",
        connection_id=ids.get("connection_id") or ("connection:test" if has_crm else ""),
        contact_id=str(contact_id),
        config=config,
        input=input_ or {},
        query_params=query_params or {},
        root_execution_id=ids.get("root_execution_id") or execution_id,
        depth=ids.get("depth") or 0,
        chain_path=tuple(ids.get("chain_path") or ()),
    )
