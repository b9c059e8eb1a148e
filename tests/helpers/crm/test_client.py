"""Errors, repetition, limits and redaction are the same for every vendor (spec crm.md section 2)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from helpers.crm.client import path
from helpers.crm.dialect import classify
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.factory import VENDORS, ConnectorConfig, build
from helpers.errors import TargetRefused
from helpers.ports import HelperSettings
from tests.helpers.crm.fakes.activecampaign import FakeActiveCampaign
from tests.helpers.crm.fakes.base import TOKEN, FakeVendor, SteppingClock
from tests.helpers.crm.fakes.gohighlevel import FakeGoHighLevel
from tests.helpers.crm.fakes.hubspot import FakeHubSpot
from tests.helpers.crm.fakes.keap import FakeKeap
from tests.helpers.crm.fakes.ontraport import FakeOntraport

FAKES = (FakeKeap, FakeGoHighLevel, FakeActiveCampaign, FakeOntraport, FakeHubSpot)


async def failure(fake: FakeVendor, *trouble: Any) -> CrmError:
    """What test_connection raises after that trouble."""
    fake.trouble = list(trouble)
    with pytest.raises(CrmError) as raised:
        await fake.connector().test_connection()
    return raised.value


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "VALIDATION", False), (401, "AUTH_EXPIRED", False), (402, "FORBIDDEN", False), (403, "FORBIDDEN", False),
        (404, "NOT_FOUND", False), (405, "VALIDATION", False), (408, "UPSTREAM", True), (409, "CONFLICT", False),
        (410, "VALIDATION", False), (415, "VALIDATION", False), (422, "VALIDATION", False), (423, "UPSTREAM", True),
        (425, "UPSTREAM", True), (429, "RATE_LIMITED", True), (500, "UPSTREAM", True), (501, "UNSUPPORTED", False),
        (502, "UPSTREAM", True), (503, "UPSTREAM", True), (504, "UPSTREAM", True), (505, "UNSUPPORTED", False),
        (520, "UPSTREAM", True), (526, "UPSTREAM", True),
    ],
)  # fmt: skip
def test_a_status_has_one_meaning(status: int, code: str, retryable: bool) -> None:
    """The table of section 2."""
    assert classify(status) == (CrmErrorCode(code), retryable)


@pytest.mark.parametrize("fake_type", FAKES)
async def test_an_outage_is_tried_four_times_and_stays_retryable(fake_type: type[FakeVendor]) -> None:
    """An HTML body is no reason to crash; platform and status are named."""
    fake = fake_type()

    error = await failure(fake, *[httpx.Response(503, html="<h1>down</h1>")] * 4)

    assert (error.code, error.retryable, error.status_code) == (CrmErrorCode.UPSTREAM, True, 503)
    assert error.platform == fake.slug
    assert len(fake.requests) == 4
    assert "<h1>" not in str(error)


@pytest.mark.parametrize("fake_type", FAKES)
async def test_a_passing_fault_is_not_seen(fake_type: type[FakeVendor]) -> None:
    """A read is repeated after a cut connection, a 500 and truncated JSON."""
    fake = fake_type()
    fake.trouble = [httpx.ReadError("cut"), httpx.Response(500), httpx.Response(200, text='{"code": 0, "da')]

    await fake.connector().test_connection()

    assert len(fake.requests) == 4


@pytest.mark.parametrize(
    ("fake_type", "response", "wait"),
    [
        (FakeGoHighLevel, httpx.Response(429, headers={"X-RateLimit-Interval-Milliseconds": "10000"}), 10),
        (FakeActiveCampaign, httpx.Response(429, headers={"Retry-After": "7"}), 7),
        (FakeOntraport, httpx.Response(429, headers={"X-Rate-Limit-Reset": "12"}), 12),
        (FakeHubSpot, httpx.Response(429, headers={"X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}), 10),
        (FakeHubSpot, httpx.Response(423), 2),
    ],
)
async def test_every_vendors_way_of_asking_for_a_pause_is_understood(
    fake_type: type[FakeVendor], response: httpx.Response, wait: float
) -> None:
    """The next try comes after that pause."""
    fake = fake_type()
    fake.trouble = [response]

    await fake.connector().test_connection()

    assert max(fake.clock.slept) >= wait


async def test_a_long_pause_is_handed_back_to_the_queue() -> None:
    """One try; retry_after says when."""
    fake = FakeActiveCampaign()

    error = await failure(fake, httpx.Response(429, headers={"Retry-After": "90"}))

    assert (error.code, error.retryable, error.retry_after) == (CrmErrorCode.RATE_LIMITED, True, 90)
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("fake_type", "response"),
    [
        (FakeHubSpot, httpx.Response(429, json={"errorType": "RATE_LIMIT", "policyName": "DAILY"})),
        (FakeGoHighLevel, httpx.Response(429, headers={"X-RateLimit-Daily-Remaining": "0"})),
        (
            FakeKeap,
            httpx.Response(
                429, headers={"x-keap-product-quota-available": "0", "x-keap-product-quota-time-unit": "day"}
            ),
        ),
    ],
)
async def test_a_spent_day_quota_has_its_own_code(fake_type: type[FakeVendor], response: httpx.Response) -> None:
    """QUOTA_EXHAUSTED, retryable later."""
    assert (await failure(fake_type(), *[response] * 4)).code is CrmErrorCode.QUOTA_EXHAUSTED


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, 14 * 3600),
        ({"x-keap-product-quota-expiry-time": "1768474000"}, 2800),
        ({"x-keap-product-quota-expiry-time": "1768474000000"}, 2800),
        ({"x-keap-product-quota-expiry-time": "soon"}, 14 * 3600),
    ],
)
async def test_keaps_day_quota_is_back_at_the_time_of_its_header_or_at_midnight(
    headers: dict[str, str], wait: float
) -> None:
    """It is 10:00 UTC; the job goes back to the queue at once."""
    fake = FakeKeap()
    spent = {"x-keap-product-quota-available": "0", "x-keap-product-quota-time-unit": "day"}

    error = await failure(fake, httpx.Response(429, headers={**spent, **headers}))

    assert error.retry_after == pytest.approx(wait, abs=2)
    assert len(fake.requests) == 1


@pytest.mark.parametrize("fake_type", FAKES)
@pytest.mark.parametrize("text", ['["a list"]', '"text"', "1", "[" * 100_000, "<html>"])
async def test_json_of_the_wrong_type_is_the_vendors_trouble(fake_type: type[FakeVendor], text: str) -> None:
    """Reads are repeated, then UPSTREAM."""
    fake = fake_type()

    error = await failure(fake, *[httpx.Response(200, text=text)] * 4)

    assert (error.code, error.status_code, error.retryable) == (CrmErrorCode.UPSTREAM, 200, True)
    assert len(fake.requests) == 4


async def test_a_write_that_was_answered_with_html_is_not_tried_again() -> None:
    """It may have been applied."""
    fake = FakeActiveCampaign()
    crm = fake.connector()
    fake.trouble = [httpx.Response(200, html="<h1>Welcome</h1>")]

    with pytest.raises(CrmError) as raised:
        await crm.create_note("11", "t", "b")

    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.UPSTREAM, False)
    assert len(fake.requests) == 1


async def test_an_endless_answer_is_cut_off() -> None:
    """16 MiB, read once."""
    fake = FakeActiveCampaign()

    error = await failure(fake, httpx.Response(200, content=b'{"user": "' + b"x" * (17 * 1024 * 1024)))

    assert (error.code, error.retryable) == (CrmErrorCode.UPSTREAM, False)
    assert "16 MiB" in str(error)
    assert len(fake.requests) == 1


async def test_a_redirect_to_no_url_is_final() -> None:
    """As any other redirect."""
    fake = FakeActiveCampaign()

    error = await failure(fake, httpx.Response(302, headers={"Location": "http://[zz]/"}))

    assert not error.retryable
    assert len(fake.requests) == 1


async def test_a_redirect_is_not_followed() -> None:
    """It would resend the credentials."""
    fake = FakeActiveCampaign()

    error = await failure(fake, httpx.Response(302, headers={"Location": "https://elsewhere.example/"}))

    assert (error.code, error.retryable, error.status_code) == (CrmErrorCode.VALIDATION, False, 302)
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("trouble", "code", "retryable", "tries"),
    [
        (httpx.DecodingError("bad gzip"), "NETWORK", True, 4),
        (httpx.LocalProtocolError("illegal header"), "NETWORK", False, 1),
        (TargetRefused("10.0.0.8 is not a public address"), "FORBIDDEN", False, 1),
    ],
)
async def test_whatever_the_transport_raises_is_a_crm_error(
    trouble: Exception, code: str, retryable: bool, tries: int
) -> None:
    """A name that leads to a private address is found out when it is looked up."""
    fake = FakeActiveCampaign()

    error = await failure(fake, *[trouble] * tries)

    assert (error.code, error.retryable, len(fake.requests)) == (code, retryable, tries)


async def test_hubspots_moving_portal_is_an_outage_there_alone() -> None:
    """477 with Retry-After of hours is requeued; elsewhere it is a refusal."""
    moved = httpx.Response(477, headers={"Retry-After": "7200"})

    error = await failure(FakeHubSpot(), moved)

    assert (error.code, error.retryable, error.retry_after) == (CrmErrorCode.UPSTREAM, True, 7200)
    assert not (await failure(FakeKeap(), moved)).retryable


async def test_a_write_that_may_have_been_applied_is_not_repeated() -> None:
    """A note is a plain POST: a read timeout is final here, a refused connection is not."""
    fake = FakeHubSpot()
    crm = fake.connector()
    fake.trouble = [httpx.ReadTimeout("slow")]
    with pytest.raises(CrmError) as raised:
        await crm.create_note("11", "t", "b")
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.NETWORK, True)
    assert len(fake.requests) == 1

    fake.trouble = [httpx.ConnectError("refused")]
    await crm.create_note("11", "t", "b")
    assert len(fake.notes) == 1


async def test_a_401_renews_once_and_repeats_the_call() -> None:
    """A second 401 is final; a fixed key is final at once."""
    fake = FakeKeap()

    class Tokens:
        renewals = 0

        async def current(self) -> str:
            return TOKEN if self.renewals else "expired"

        async def renewed(self, refused: str) -> str:
            assert refused == "expired"
            self.renewals += 1
            return TOKEN

    tokens = Tokens()
    await fake.connector(tokens=tokens).test_connection()
    assert tokens.renewals == 1

    fake.tokens.clear()
    error = await failure(fake)
    assert (error.code, error.retryable) == (CrmErrorCode.AUTH_EXPIRED, False)


@pytest.mark.parametrize("fake_type", FAKES)
async def test_credentials_are_in_no_error(fake_type: type[FakeVendor]) -> None:
    """Even when the vendor echoes them."""
    fake = fake_type()
    config = fake.config()

    error = await failure(fake, httpx.Response(400, json={"message": f"bad {' '.join(config.secrets)}", "code": 0}))

    assert not any(secret in str(error) + repr(config) for secret in config.secrets)


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.api-us1.com",
        "https://127.0.0.1",
        "https://10.0.0.8/api/3",
        "https://metadata.internal",
        "ftp://x.com",
    ],
)
def test_a_base_url_has_to_be_https_and_public(url: str) -> None:
    """ActiveCampaign's URL is typed by the user (section 8)."""
    config = ConnectorConfig(api_key="k", base_url=url)
    with pytest.raises(CrmError) as raised:
        build("activecampaign", config, httpx.AsyncClient(), clock=SteppingClock())
    assert (raised.value.code, raised.value.retryable) == (CrmErrorCode.FORBIDDEN, False)


@pytest.mark.parametrize("url", ["https://acme.api-us1.com/?x=", "https://acme.api-us1.com/#"])
def test_a_base_url_ends_with_its_path(url: str) -> None:
    """Everything behind ? or # would swallow the paths of the calls."""
    config = ConnectorConfig(api_key="k", base_url=url + "y")
    with pytest.raises(CrmError, match="neither"):
        build("activecampaign", config, httpx.AsyncClient(), clock=SteppingClock())


async def test_blanks_around_pasted_credentials_do_no_harm() -> None:
    """Nor around the URL."""
    fake = FakeActiveCampaign()
    await fake.connector(
        config=ConnectorConfig(api_key=" key-1\n", base_url=" https://acme.api-us1.com/ ")
    ).test_connection()
    assert str(fake.requests[0].url) == "https://acme.api-us1.com/api/3/users/me"


def test_a_key_that_fits_into_no_header_is_refused_without_being_quoted() -> None:
    """The HTTP client's exception would hold it."""
    config = ConnectorConfig(api_key="s\u00e9cret", base_url="https://acme.api-us1.com")
    with pytest.raises(CrmError) as raised:
        build("activecampaign", config, httpx.AsyncClient(), clock=SteppingClock())
    assert raised.value.code is CrmErrorCode.NO_AUTH
    assert "cret" not in str(raised.value)


async def test_a_token_that_was_just_replaced_stays_hidden() -> None:
    """Of two calls side by side one may be out with the old token while the other renews it."""
    fake = FakeKeap()

    class Tokens:
        token = "token-old"

        async def current(self) -> str:
            return self.token

        async def renewed(self, refused: str) -> str:
            return self.token

    tokens = Tokens()
    crm = fake.connector(tokens=tokens)
    fake.tokens = {"token-old", "token-new"}
    await crm.test_connection()
    tokens.token = "token-new"
    fake.trouble = [httpx.Response(400, json={"message": "bad token-old"})]
    with pytest.raises(CrmError) as raised:
        await crm.test_connection()
    assert "token-old" not in str(raised.value)


def test_the_settings_of_a_connection_are_in_no_repr() -> None:
    """Ontraport's app id may be among them."""
    assert "app-7" not in repr(ConnectorConfig(settings={"app_id": "app-7"}))


def test_loopback_is_a_base_url_for_tests_only() -> None:
    """allow_private_targets."""
    config = ConnectorConfig(api_key="k", base_url="http://127.0.0.1:9")
    settings = HelperSettings(allow_private_targets=True)
    build("activecampaign", config, httpx.AsyncClient(), clock=SteppingClock(), settings=settings)


@pytest.mark.parametrize("slug", [*VENDORS, "stripe"])
def test_missing_credentials_are_named(slug: str) -> None:
    """NO_AUTH; an unknown platform is PLATFORM_NOT_FOUND."""
    with pytest.raises(CrmError) as raised:
        build(slug, ConnectorConfig(base_url="https://x.api-us1.com"), httpx.AsyncClient(), clock=SteppingClock())
    expected = CrmErrorCode.NO_AUTH if slug in VENDORS else CrmErrorCode.PLATFORM_NOT_FOUND
    assert raised.value.code is expected


def test_path_parts_are_percent_encoded() -> None:
    """Ids and addresses come from outside."""
    assert path("/e/{email}/s", email="a/b+c@x.com") == "/e/a%2Fb%2Bc%40x.com/s"


@pytest.mark.parametrize("fake_type", [fake for fake in FAKES if fake is not FakeOntraport])  # ids in the query there
@pytest.mark.parametrize("contact_id", [".", ".."])
async def test_an_id_of_dots_leads_to_no_other_record(fake_type: type[FakeVendor], contact_id: str) -> None:
    """A path that steps up would delete something else than a contact."""
    fake = fake_type()

    with pytest.raises(CrmError) as raised:
        await fake.connector().delete_contact(contact_id)

    assert (raised.value.code, fake.requests) == (CrmErrorCode.NOT_FOUND, [])


async def test_a_deletion_whose_answer_was_lost_is_done() -> None:
    """The repetition finds nothing any more; a first 404 is the unknown contact that it says."""
    fake = FakeKeap()
    crm = fake.connector()
    fake.trouble = [httpx.ReadTimeout("slow"), httpx.Response(404)]
    await crm.delete_contact("11")
    assert len(fake.requests) == 2

    for before in ([], [httpx.ConnectError("refused")], [httpx.Response(429)]):
        fake.trouble = [*before, httpx.Response(404)]
        with pytest.raises(CrmError) as raised:
            await crm.delete_contact("11")
        assert raised.value.code is CrmErrorCode.NOT_FOUND
