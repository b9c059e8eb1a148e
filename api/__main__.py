"""``python -m api``: everything from the environment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import uvicorn

from api.app import create_app
from api.backend import Backend
from api.settings import ApiSettings
from fleet.aws import aws_clients
from fleet.service import Process, run_service


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process's are the only ones."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: ApiSettings, process: Process) -> None:
    """Serve until the process stops, then let open requests finish."""
    async with aws_clients(settings) as aws, Backend.open(settings, aws) as backend:
        server = _Server(
            uvicorn.Config(
                create_app(backend),
                host=settings.api_host,
                port=settings.api_port,
                log_config=None,
                # The visitor's address of routing links comes from the load balancer in front.
                proxy_headers=True,
                forwarded_allow_ips=settings.api_trusted_proxies,
                access_log=False,
                timeout_graceful_shutdown=settings.api_drain_seconds,
            )
        )
        serving = process.side_task("http server", server.serve())
        await process.stopping.wait()
        server.should_exit = True
        process.expect_end(serving)
        await serving


if __name__ == "__main__":
    run_service("api", ApiSettings, serve)
