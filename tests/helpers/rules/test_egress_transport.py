"""The egress rule inside the transport: integration spec C6.4."""

from __future__ import annotations

from collections.abc import Iterable

import httpcore
import httpx
import pytest

from helpers.errors import TargetRefused
from helpers.ports import HelperSettings
from helpers.rules.egress_transport import CheckedBackend, CheckedTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class RecordingBackend(httpcore.AsyncMockBackend):
    """Answers every connection with the same bytes; remembers where connections went."""

    def __init__(self, dead: Iterable[str] = ()) -> None:
        super().__init__([OK])
        self.connected: list[tuple[str, int]] = []
        self.dead = set(dead)

    async def connect_tcp(  # type: ignore[override]
        self, host: str, port: int, *options: object, **more: object
    ) -> httpcore.AsyncNetworkStream:
        self.connected.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectError("refused")
        return await super().connect_tcp(host, port)


class Names:
    """A resolver whose answers change with every question."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


async def get(
    url: str, names: Names, backend: RecordingBackend, settings: HelperSettings | None = None
) -> httpx.Response:
    transport = CheckedTransport(settings or HelperSettings(), addresses=names, inner=backend)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        return await client.get(url)


async def test_the_connection_goes_to_the_checked_address() -> None:
    """One look-up: a second one could answer with another address (DNS rebinding)."""
    names, backend = Names(["93.184.216.34"], ["127.0.0.1"]), RecordingBackend()

    response = await get("http://example.com/x", names, backend)

    assert response.text == "ok"
    assert backend.connected == [("93.184.216.34", 80)]
    assert names.asked == 1
    assert response.request.headers["Host"] == "example.com"


@pytest.mark.parametrize("bad", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:10.0.0.1"])
async def test_one_private_answer_refuses_them_all(bad: str) -> None:
    """Nothing is connected, whatever the order of the answers."""
    backend = RecordingBackend()

    with pytest.raises(TargetRefused):
        await get("https://example.com/", Names(["93.184.216.34", bad]), backend)

    assert backend.connected == []


async def test_the_literal_check_holds_in_the_transport_too() -> None:
    """A caller that forgot it is not a hole."""
    backend = RecordingBackend()

    with pytest.raises(TargetRefused):
        await get("http://127.0.0.1/", Names([]), backend)

    assert backend.connected == []


async def test_an_odd_notation_connects_to_the_canonical_address() -> None:
    """The name service is not asked about an address."""
    names, backend = Names([]), RecordingBackend()

    await get("http://134744072/", names, backend)

    assert backend.connected == [("8.8.8.8", 80)]
    assert names.asked == 0


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    """All of them were checked."""
    backend = RecordingBackend(dead=["93.184.216.34"])

    assert (await get("http://example.com/", Names(["93.184.216.34", "93.184.216.35"]), backend)).is_success
    assert [host for host, _port in backend.connected] == ["93.184.216.34", "93.184.216.35"]


async def test_a_name_that_does_not_resolve_is_a_connect_error() -> None:
    """Which the outcome rules count as retryable."""

    async def fails(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    transport = CheckedTransport(HelperSettings(), addresses=fails, inner=RecordingBackend())
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://gone.example.com/")


@pytest.mark.parametrize(
    "settings",
    [
        HelperSettings(allow_private_targets=True),
        HelperSettings(allowed_hosts=("emulator.example.com",)),
        HelperSettings(allowed_hosts=("emulator.example.com:80",)),
        HelperSettings(allowed_hosts=("10.0.0.0/8",)),
    ],
)
async def test_exempt_targets_are_reached(settings: HelperSettings) -> None:
    """By name, by name and port, by the network of the answer, or as a whole."""
    backend = RecordingBackend()

    await get("http://emulator.example.com/", Names(["10.0.0.5"]), backend, settings)

    assert backend.connected == [("10.0.0.5", 80)]


async def test_tls_keeps_the_name() -> None:
    """The backend sits below TLS: it hands out plain streams, and httpcore puts the URL's name into SNI."""
    backend = RecordingBackend()
    checked = CheckedBackend(HelperSettings(), addresses=Names(["93.184.216.34"]), inner=backend)

    names: list[str | None] = []

    class Stream(httpcore.AsyncMockStream):
        async def start_tls(
            self, ssl_context: object, server_hostname: str | None = None, timeout: object = None
        ) -> Stream:  # type: ignore[override]
            names.append(server_hostname)
            return self

    async def connect(*arguments: object, **options: object) -> Stream:
        return Stream([OK])

    backend.connect_tcp = connect  # type: ignore[assignment]
    async with httpcore.AsyncConnectionPool(network_backend=checked) as pool:
        response = await pool.request("GET", "https://example.com/")

    assert response.status == 200
    assert names == ["example.com"]
