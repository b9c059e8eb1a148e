"""The embedded stack: emulator → provisioned stage → seed data → router, pool worker, api; all on loopback."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Self

from fleet.local import emulator
from fleet.local.supervisor import ChildSpec, Output, Supervisor, print_prefixed
from fleet.operations.provision import Provisioner
from fleet.settings import FleetSettings

STAGE = "dev"
EMULATOR = "emulator"
ROUTER = "router"
WORKER = "worker"
API = "api"


Seed = Callable[["EmbeddedStack"], Awaitable[None]]


class EmbeddedStack:
    """``async with EmbeddedStack() as stack:`` starts everything and stops it in order.

    ``services`` chooses what is started on top of the emulator; ``environment`` is handed to each of them.
    ``helper_type`` is the worker's HELPER_TYPE; ``seed`` runs before the services start. State lives as long as the
    stack, in a folder of its own.
    """

    def __init__(
        self,
        *,
        services: tuple[str, ...] = (ROUTER, WORKER, API),
        helper_type: str = "*",
        environment: Mapping[str, str] | None = None,
        api_port: int = 0,
        seed: Seed | None = None,
        output: Output = print_prefixed,
    ) -> None:
        self._services = services
        self._helper_type = helper_type
        self._extra = dict(environment or {})
        self._seed = seed
        self._folder = tempfile.TemporaryDirectory(prefix="mfh-stack-")
        self.supervisor = Supervisor(output=output)
        self._emulator_port = emulator.free_port()
        self._api_port = api_port or emulator.free_port()
        self.settings = FleetSettings.from_environment(
            stage=STAGE, aws_endpoint_url=emulator.endpoint(self._emulator_port), allow_private_targets=True
        )

    @property
    def sandbox_path(self) -> Path:
        """The SQLite file of the sandbox CRM."""
        return Path(self._folder.name) / "sandbox.db"

    @property
    def artifacts_path(self) -> Path:
        """Where files, mails and backups of helpers go instead of S3 and SES."""
        return Path(self._folder.name) / "artifacts"

    @property
    def api_url(self) -> str:
        """Base URL of the API."""
        return f"http://{emulator.HOST}:{self._api_port}"

    def service_environment(self) -> dict[str, str]:
        """What every service of the stack has in its environment."""
        endpoint = self.settings.aws_endpoint_url
        return {
            "STAGE": STAGE,
            "AWS_REGION": self.settings.aws_region,
            "AWS_ENDPOINT_URL": endpoint or "",
            "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "ALLOW_PRIVATE_TARGETS": "true",
            "SANDBOX_CRM_PATH": str(self.sandbox_path),
            "ARTIFACTS_DIR": str(self.artifacts_path),
            "HEALTH_HOST": emulator.HOST,
            "METRICS": "false",
            "LOG_FORMAT": "console",
            **self._extra,
        }

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.supervisor.stop()
        self._folder.cleanup()

    async def _start(self) -> None:
        self.artifacts_path.mkdir()
        endpoint = emulator.endpoint(self._emulator_port)
        await self.supervisor.start(
            ChildSpec(
                EMULATOR,
                emulator.command(),
                emulator.environment(self._emulator_port),
                ready_url=f"{endpoint}{emulator.READY_PATH}",
                stop_seconds=5,
                # State lives in the emulator's memory: a restarted one would be empty and only hide the loss.
                restart=False,
            )
        )
        await asyncio.to_thread(Provisioner(self.settings).provision)
        if self._seed is not None:
            await self._seed(self)
        await asyncio.gather(*(self.supervisor.start(self._service(name)) for name in self._services))

    def _service(self, name: str) -> ChildSpec:
        port = emulator.free_port()
        environment = {**self.service_environment(), "HEALTH_PORT": str(port)}
        ready_url = f"http://{emulator.HOST}:{port}/healthz"
        if name == WORKER:
            environment["HELPER_TYPE"] = self._helper_type
        if name == API:
            environment |= {"API_HOST": emulator.HOST, "API_PORT": str(self._api_port)}
            ready_url = f"{self.api_url}/healthz"
        return ChildSpec(
            name, [sys.executable, "-m", name], environment, ready_url=ready_url, ready_seconds=60, stop_seconds=40
        )
