"""The egress rule inside the real transport: integration spec C6.4, stage (b).

    client = httpx.AsyncClient(transport=CheckedTransport(settings), trust_env=False)

``trust_env=False`` because a proxy from the environment would resolve the name itself, unchecked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable

import httpcore
import httpx

from helpers.ports import HelperSettings
from helpers.rules.egress import check_address, check_host, check_url, is_exempt_host

AddressLookup = Callable[[str, int], Awaitable[list[str]]]


async def system_addresses(host: str, port: int) -> list[str]:
    """All A and AAAA answers of the system resolver, in its order. Raises OSError."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to checked addresses only.

    It sits below TLS, which keeps the host name for SNI, for the certificate and for the Host header.
    """

    def __init__(
        self,
        settings: HelperSettings,
        *,
        addresses: AddressLookup = system_addresses,
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._settings = settings
        self._addresses = addresses
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first checked address that answers. Raises TargetRefused, or httpcore.ConnectError."""
        problem: Exception = httpcore.ConnectError(f"no address for {host}")
        for address in await self.checked_addresses(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                problem = exc
        raise problem

    async def checked_addresses(self, host: str, port: int) -> list[str]:
        """What to connect to. One refused answer refuses them all: the next look-up might return that one."""
        literal = check_host(host, port, self._settings)
        if literal is not None:
            return [str(literal)]
        try:
            answers = await self._addresses(host, port)
        except OSError as exc:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {exc}") from exc
        if not is_exempt_host(host.lower().rstrip("."), port, self._settings):
            for answer in answers:
                # A scope id (fe80::1%eth0) names an interface; the address decides.
                check_address(ipaddress.ip_address(answer.partition("%")[0]), self._settings)
        return answers

    async def sleep(self, seconds: float) -> None:
        """The pool's own pauses between connection retries."""
        await self._inner.sleep(seconds)


class CheckedTransport(httpx.AsyncHTTPTransport):
    """The transport of the shared client: no request of a helper or a connector leaves unchecked."""

    def __init__(
        self,
        settings: HelperSettings,
        *,
        addresses: AddressLookup = system_addresses,
        verify: ssl.SSLContext | None = None,
        limits: httpx.Limits | None = None,
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        context = verify or httpx.create_ssl_context(trust_env=False)
        limits = limits or httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=15.0)
        super().__init__(verify=context, limits=limits, trust_env=False)
        self._settings = settings
        # httpx has no parameter for the network backend, and rewriting the request's host to an address would
        # let connections of two hosts on one address be shared; so the pool is made here.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=CheckedBackend(settings, addresses=addresses, inner=inner),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send. Raises TargetRefused, or httpx.TransportError."""
        check_url(request.url, self._settings)
        return await super().handle_async_request(request)
