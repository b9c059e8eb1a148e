"""One run of one helper: the checks every runtime has to make, in one place, in one order.

The worker, `mfh run`, the routing endpoint and `run_helper` all come through :func:`invoke`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import ValidationError

from helpers.contract import Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.connector import CrmConnector
from helpers.errors import (
    ConfigRefused,
    ConnectionRequired,
    ContactRequired,
    FieldProblem,
    HelperCrashed,
    HelperError,
    TransientFailure,
)
from helpers.ports import (
    ArtifactStore,
    BackupStore,
    Clock,
    ExecutionSpawner,
    HelperDirectory,
    HelperSettings,
    Mailer,
    Resolver,
    ServiceAuths,
    StateStore,
)


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """Who asked for what: the part of an execution item that a helper sees."""

    execution_id: str
    helper_id: str
    account_id: str
    user_id: str = ""
    connection_id: str = ""
    contact_id: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    input: Mapping[str, Any] = field(default_factory=dict)
    query_params: Mapping[str, str] = field(default_factory=dict)
    root_execution_id: str = ""
    depth: int = 0
    chain_path: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The runtime's implementations of `helpers.ports` for one run."""

    crm: CrmConnector | None
    http: httpx.AsyncClient
    clock: Clock
    state: StateStore
    executions: ExecutionSpawner
    helpers: HelperDirectory
    mail: Mailer
    files: ArtifactStore
    backups: BackupStore
    resolver: Resolver
    service_auths: ServiceAuths
    settings: HelperSettings


def parse_config(helper: type[Helper[Any]], raw: Mapping[str, Any] | None) -> HelperConfig:
    """The typed config. Raises ConfigRefused, which names every refused field and what to write instead."""
    if raw is not None and not isinstance(raw, Mapping):
        raise ConfigRefused(helper.type, [FieldProblem("", "write the configuration as a JSON object")])
    try:
        return helper.Config.model_validate(dict(raw or {}))
    except ValidationError as exc:
        # include_input=False: a refused value may be a secret, and the message ends up in the execution.
        problems = [
            FieldProblem(".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, "))
            for error in exc.errors(include_url=False, include_input=False)
        ]
        raise ConfigRefused(helper.type, problems) from None


async def invoke(helper: type[Helper[Any]], invocation: Invocation, ports: Ports) -> HelperOutput:
    """Run the helper once.

    Order: config, contact id, connection, contact, execute. Raises HelperError only: a transport error that a
    helper let through is transient, any other exception becomes HelperCrashed. Cancellation passes through.
    """
    config = parse_config(helper, invocation.config)
    if helper.requires_contact and not invocation.contact_id.strip():
        raise ContactRequired
    if helper.requires_crm and ports.crm is None:
        raise ConnectionRequired
    ctx: HelperContext[Any] = HelperContext(
        contact_id=invocation.contact_id,
        config=config,
        raw_config=invocation.config,
        input=invocation.input,
        query_params=invocation.query_params,
        account_id=invocation.account_id,
        user_id=invocation.user_id,
        helper_id=invocation.helper_id,
        execution_id=invocation.execution_id,
        connection_id=invocation.connection_id,
        root_execution_id=invocation.root_execution_id or invocation.execution_id,
        depth=invocation.depth,
        chain_path=invocation.chain_path,
        connector=ports.crm,
        http=ports.http,
        clock=ports.clock,
        state=ports.state,
        executions=ports.executions,
        helpers=ports.helpers,
        mail=ports.mail,
        files=ports.files,
        backups=ports.backups,
        resolver=ports.resolver,
        service_auths=ports.service_auths,
        settings=ports.settings,
    )
    try:
        if helper.requires_crm and helper.requires_contact and helper.reads_contact:
            await ctx.load_contact()
        output = await helper().execute(ctx)
    except HelperError:
        raise
    except httpx.TransportError as exc:
        raise TransientFailure(f"{type(exc).__name__}: {exc}") from exc
    except Exception as exc:
        raise HelperCrashed(f"{helper.type} crashed with {type(exc).__name__}: {exc}") from exc
    if not isinstance(output, HelperOutput):
        raise HelperCrashed(f"{helper.type} returned {type(output).__name__}, not a HelperOutput")
    return output.model_copy(update={"logs": [*ctx.logs, *output.logs]}) if ctx.logs else output
