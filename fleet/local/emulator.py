"""The embedded AWS emulator (ministack) as a child process on loopback.

It binds to 0.0.0.0 unless told otherwise, and the services that the fleet does not use are left off.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

HOST = "127.0.0.1"
READY_PATH = "/_ministack/health"


def free_port() -> int:
    """A port that was free a moment ago. Whoever binds it should do so at once."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def command() -> list[str]:
    """How the emulator is started."""
    return [str(Path(sys.executable).with_name("ministack"))]


def environment(port: int) -> dict[str, str]:
    """The variables the emulator reads."""
    return {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }


def endpoint(port: int) -> str:
    """The endpoint URL that every client uses."""
    return f"http://{HOST}:{port}"
