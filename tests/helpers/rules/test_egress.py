"""The egress rule on literal URLs: integration spec C6."""

from __future__ import annotations

import pytest

from helpers.errors import TargetRefused
from helpers.ports import HelperSettings
from helpers.rules.egress import check_url

DEFAULT = HelperSettings()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a?b=c", "http://example.com:8080/", "https://EXAMPLE.com.", "https://8.8.8.8/",
        "http://134744072/", "https://[2606:4700::1111]/", "https://[::ffff:8.8.8.8]/", "https://bücher.example.com/",
        "https://local.example.com", "https://xn--bcher-kva.example.com:65535/", "https://172.32.0.1",
        " https://example.com ",
    ],
)  # fmt: skip
def test_public_targets_pass(url: str) -> None:
    """Names with a dot and routable addresses, in any notation."""
    assert check_url(url, DEFAULT).host


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com", "file:///etc/passwd", "javascript:alert(1)", "example.com", "", "https://", "https:///x",
        "https://user@example.com", "https://user:pw@example.com", "https://example.com:bad/", "https://ex ample.com/",
        "https://example.com\\@127.0.0.1/", "gopher://example.com",
        "https://xn--.com/", "https://xn--a.com/", "https://a..example.com/", "https://.example.com/",
        "https://example.com../", f"https://{'a' * 64}.example.com/", "https://example.com/\ud800",
        "https://example.com:0/", "https://example.com:65536/", "https://8.8.8.8:99999/",
        "https://exam%2eple.com/", "http://[fe80::1%25eth0]/", "http://[2606:4700::1%25lo]/",
    ],
)  # fmt: skip
def test_only_http_urls_with_a_host_and_without_user_info(url: str) -> None:
    """C6.1; names that no resolver could be asked for and impossible ports are refused here, not by a crash later."""
    with pytest.raises(TargetRefused):
        check_url(url, DEFAULT)


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST.", "a.localhost", "printer.local", "db.internal", "x.localdomain", "metadata",
        "metadata.google.internal", "metadata.google.internal.", "instance-data", "intranet",
    ],
)  # fmt: skip
def test_internal_names_are_refused(host: str) -> None:
    """C6.2, also with a trailing dot and in any case."""
    with pytest.raises(TargetRefused):
        check_url(f"http://{host}/", DEFAULT)


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1",
        "172.31.255.255", "192.0.0.8", "192.168.1.1", "198.18.0.1", "198.19.255.255", "192.0.2.1", "198.51.100.1",
        "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        # other notations of 127.0.0.1 and 169.254.169.254
        "2130706433", "0x7f000001", "0X7F.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "127.0.0.1.",
        "0xa9fea9fe", "2852039166", "0251.0376.0251.0376",
        # neither a name nor an address
        "1.2.3.4.5", "256.1.1.1", "1.2.3.08", "4294967296", "example.1",
        "[::]", "[::1]", "[fc00::1]", "[fd12::1]", "[fe80::1]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[fec0::1]", "[64:ff9b:1::1]", "[2001::1]",
    ],
)  # fmt: skip
def test_addresses_that_the_internet_does_not_route_are_refused(host: str) -> None:
    """C6.3, in any notation that a resolver would take."""
    with pytest.raises(TargetRefused):
        check_url(f"http://{host}/x", DEFAULT)


@pytest.mark.parametrize(
    ("allowed", "url", "passes"),
    [
        (("localhost:9000",), "http://localhost:9000/", True),
        (("localhost:9000",), "http://localhost:9001/", False),
        (("localhost",), "http://LOCALHOST:1/", True),
        (("localhost",), "http://a.localhost/", False),
        (("10.0.0.0/8",), "http://10.9.8.7/", True),
        (("10.0.0.0/8",), "http://11.0.0.1/", True),
        (("10.0.0.0/8",), "http://192.168.0.1/", False),
        (("fd00::/8",), "http://[fd00::1]/", True),
        (("127.0.0.1:80",), "http://127.0.0.1/", True),
        (("127.0.0.1",), "http://user@127.0.0.1/", False),
        (("localhost",), "ftp://localhost/", False),
    ],
)
def test_the_operator_may_exempt_a_host_a_port_or_a_network(allowed: tuple[str, ...], url: str, passes: bool) -> None:
    """C6.5; scheme and user info are never exempt."""
    settings = HelperSettings(allowed_hosts=allowed)
    if passes:
        assert check_url(url, settings)
    else:
        with pytest.raises(TargetRefused):
            check_url(url, settings)


def test_private_targets_may_be_allowed_as_a_whole() -> None:
    """For local testing; a URL without a host stays refused."""
    settings = HelperSettings(allow_private_targets=True)

    assert check_url("http://127.0.0.1:9000/x", settings).port == 9000
    assert check_url("http://localhost/x", settings).host == "localhost"
    with pytest.raises(TargetRefused):
        check_url("http:///x", settings)
