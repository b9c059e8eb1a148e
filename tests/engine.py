"""The machine's Docker engine, if there is one: what it has at hand, and the compose projects of test runs on it.

Names of projects carry the process id of their test run, so that the next run can remove what a killed one left behind.
"""

from __future__ import annotations

import os
import re
import subprocess

PREFIX = "mfh-tests-"


def why_not(*images: str) -> str:
    """Why containers of these images cannot be started; empty when they can.

    Nothing is pulled for a test: that takes minutes, and a machine may have an engine but no registry.
    """
    conditions = [
        (["docker", "compose", "version"], "there is no docker compose"),
        (["docker", "version"], "no Docker engine answers"),
        *((["docker", "image", "inspect", image], f"docker pull {image} first") for image in images),
    ]
    return next((reason for command, reason in conditions if not _succeeds(command)), "")


def project(purpose: str, owner: int) -> str:
    """Name of a compose project of the test run with that process id, and the first part of its images' names."""
    return f"{PREFIX}{owner}-{purpose}"


def remove(name: str) -> None:
    """Remove the project's containers, volumes, networks and images; one that is not there is fine."""
    # `down` leaves the containers of `compose run` alone, and then cannot remove their network.
    label = f"label=com.docker.compose.project={name}"
    containers = _output("docker", "ps", "--all", "--quiet", "--filter", label)
    if containers:
        _output("docker", "rm", "--force", "--volumes", *containers)
    _output("docker", "compose", "-p", name, "down", "--volumes", "--remove-orphans")
    # Compose writes the project's name into what it builds: no other project has these images.
    images = _output("docker", "image", "ls", "--quiet", "--filter", label)
    if images:
        _output("docker", "image", "rm", "--force", *sorted(set(images)))


def sweep() -> None:
    """Remove the projects of test runs that are gone: killed, or out of power."""
    names = {
        *_output("docker", "ps", "--all", "--format", '{{.Label "com.docker.compose.project"}}'),
        *(name.partition("/")[0] for name in _output("docker", "image", "ls", "--format", "{{.Repository}}")),
    }
    for name in sorted(names):
        owner = re.match(rf"{PREFIX}(\d+)-", name)
        if owner and not _lives(int(owner[1])):
            remove(name)


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _output(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=20).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
