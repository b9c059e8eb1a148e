"""A compose project of the whole system, and what the engine and the executions table say of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import boto3

from fleet.local.emulator import free_port
from tests import engine

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 5
BUILT = ("worker", "router", "api", "tools")


class Compose:
    """`docker compose` with a project name, images, ports and settings of its own."""

    def __init__(self) -> None:
        self.project = engine.project("fleet", os.getpid())
        self.localstack_url = f"http://127.0.0.1:{(port := free_port())}"
        self._environment = {
            **os.environ,
            **{f"{service.upper()}_IMAGE": f"{self.project}/{service}" for service in BUILT},
            "LOCALSTACK_PORT": str(port),
            "API_PORT": str(free_port()),
            "WORKER_VISIBILITY_SECONDS": str(LEASE_SECONDS),
            "LOG_LEVEL": "warning",
        }
        account: dict[str, Any] = {
            "region_name": "us-west-2",
            "endpoint_url": self.localstack_url,
            "aws_access_key_id": "000000000000",
            "aws_secret_access_key": "emulator",
        }
        self._dynamodb = boto3.client("dynamodb", **account)
        self.sqs = boto3.client("sqs", **account)

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a compose command; its output is in the failure."""
        done = subprocess.run(
            self._command(*arguments), env=self._environment, capture_output=True, text=True, timeout=280
        )
        assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def start_demo(self, executions: int) -> subprocess.Popen[str]:
        """The demo as a container of the project, in the background."""
        return subprocess.Popen(
            self._command(
                "--profile", "demo", "run", "--rm", "--no-deps", "--use-aliases", "-T", "demo",
                "demo", "--api-url", "http://api:8080", "--executions", str(executions), "--timeout", "120",
            ),
            env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def containers(self, service: str) -> list[str]:
        """Ids of the service's containers, by number."""
        return self("ps", "--all", "--quiet", service).stdout.split()

    def executions(self, **wanted: str) -> list[dict[str, str]]:
        """Executions whose text attributes begin with these texts: id, status, worker_id, error_type."""
        pages = self._dynamodb.get_paginator("scan").paginate(TableName="mfh-dev-executions", ConsistentRead=True)
        found = ({k: v["S"] for k, v in item.items() if "S" in v} for page in pages for item in page["Items"])
        return [
            execution
            for execution in found
            if all(execution.get(name, "").startswith(text) for name, text in wanted.items())
        ]

    def _command(self, *arguments: str) -> list[str]:
        return ["docker", "compose", "--project-directory", str(ROOT), "-p", self.project, *arguments]


def docker(*arguments: str) -> str:
    """Run a docker command and return what it prints."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def inspect(container: str) -> Any:
    """What the engine knows of a container."""
    return json.loads(docker("inspect", container))[0]


def healthy(container: str) -> bool:
    """Whether the engine's health check of the container passes."""
    return bool(inspect(container)["State"]["Health"]["Status"] == "healthy")
