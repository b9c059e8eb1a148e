"""OAuth2 renewal that never loses a rotated refresh token: spec crm.md section 6.3.

A refresh token may be spent once. So a worker first takes a lease on the stored row, then spends the token, then
stores the answer, and only then uses it. The store is a port (:class:`TokenStore`); DynamoDB is behind it in
production.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import httpx
import structlog

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.token_endpoint import TOKEN_ENDPOINTS, error_of, token_answer
from helpers.errors import TargetRefused
from helpers.ports import Clock, OAuthClient
from helpers.services.exchange import exchange

log = structlog.get_logger(__name__)
T = TypeVar("T")

LEASE_SECONDS = 60.0
TOKEN_CALL_SECONDS = 20.0
# Renew this long before the access token runs out.
AHEAD_SECONDS = 300.0
POLL_FIRST_SECONDS = 0.2
POLL_LONGEST_SECONDS = 2.0
POLL_TOTAL_SECONDS = 70.0
STORE_BACKOFF_LONGEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class TokenRow:
    """The stored credentials of one connection. ``expires_at`` and ``lease_until`` are epoch seconds, 0 = unknown."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float = 0
    version: int = 0
    lease_owner: str = ""
    lease_until: float = 0


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What a token endpoint answered; ``refresh_token`` is the old one where the answer has none."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float = 0
    token_type: str = ""
    scope: str = ""
    location_id: str = ""


class TokenStore(Protocol):
    """The stored row of one connection. Every write is one conditional update; errors of the store pass through."""

    async def read(self) -> TokenRow:
        """The row, read consistently."""
        ...

    async def lease(self, refresh_token: str, *, owner: str, until: float, now: float) -> bool:
        """Take the lease if the row still has that refresh token and no lease that lasts beyond ``now``."""
        ...

    async def store(self, spent: TokenRow, issued: IssuedTokens) -> TokenRow | None:
        """Store if the row still has ``spent``'s refresh token and version, and end the lease.

        None when it was stored, else the row that is there instead (someone connected anew).
        """
        ...

    async def refuse(self, spent: TokenRow, *, owner: str, error: str) -> None:
        """The vendor refused the refresh token for good: note it, end the lease, connection status ``error``."""
        ...

    async def release(self, *, owner: str, error: str) -> None:
        """End the lease of that owner after a failure that may pass, and note the error."""
        ...


class TokenRefused(CrmError):
    """The refresh token is dead: the user has to connect the account again."""

    def __init__(self, platform: str, reason: str) -> None:
        super().__init__(
            CrmErrorCode.AUTH_EXPIRED, f"the vendor refused to renew the access ({reason}): reconnect the account",
            platform=platform, status_code=401,
        )  # fmt: skip


class OAuthTokens:
    """The current access token of one connection; renews it when it is about to run out or was refused.

    One object per connection and process: its lock makes a burst of 401s cost one lease. ``reload_client`` reads
    the OAuth client anew after an invalid_client answer.
    """

    def __init__(
        self,
        platform: str,
        store: TokenStore,
        client: OAuthClient,
        http: httpx.AsyncClient,
        clock: Clock,
        *,
        reload_client: Callable[[], Awaitable[OAuthClient | None]] | None = None,
    ) -> None:
        self._platform = platform
        self._store = store
        self._client = client
        self._http = http
        self._clock = clock
        self._endpoint = TOKEN_ENDPOINTS[platform]
        self._reload_client = reload_client
        self._row: TokenRow | None = None
        self._lock = asyncio.Lock()

    async def current(self) -> str:
        """An access token that is good for some minutes. Raises CrmError."""
        if self._row is None:
            self._row = await self._store.read()
        if self._runs_out(self._row):
            return await self.renewed(self._row.access_token)
        return self._row.access_token

    async def renewed(self, refused: str) -> str:
        """A token other than ``refused``. Raises TokenRefused, or a retryable CrmError when it takes too long."""
        async with self._lock:
            if self._row is not None and self._row.access_token != refused and not self._runs_out(self._row):
                return self._row.access_token
            self._row = await self._renew(refused)
            return self._row.access_token

    def _runs_out(self, row: TokenRow) -> bool:
        return bool(row.expires_at) and row.expires_at - self._now() < AHEAD_SECONDS

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def _renew(self, refused: str) -> TokenRow:
        owner = uuid4().hex
        deadline = self._now() + POLL_TOTAL_SECONDS
        pause = POLL_FIRST_SECONDS
        while True:
            row = await self._store.read()
            if row.access_token != refused and not self._runs_out(row):
                return row
            if not row.refresh_token:
                raise TokenRefused(self._platform, "no refresh token is stored")
            now = self._now()
            if await self._store.lease(row.refresh_token, owner=owner, until=now + LEASE_SECONDS, now=now):
                return await _to_the_end(self._spend(owner))
            if now >= deadline:
                raise CrmError(
                    CrmErrorCode.UPSTREAM, "another worker has been renewing the access for too long",
                    platform=self._platform, retryable=True,
                )  # fmt: skip
            await self._clock.sleep(pause)
            pause = min(pause * 2, POLL_LONGEST_SECONDS)

    async def _spend(self, owner: str) -> TokenRow:
        """Spend the refresh token under the lease, store the answer, and return what is stored."""
        row = await self._store.read()
        if row.lease_owner != owner:
            return await self._renew(row.access_token)
        answer = await self._call_endpoint(row, owner)
        if isinstance(answer, TokenRow):
            return answer
        if isinstance(answer, str):
            stored = await self._store.read()
            if stored.refresh_token != row.refresh_token:
                return stored
            await self._store.refuse(row, owner=owner, error=answer)
            raise TokenRefused(self._platform, answer)
        return await self._keep(row, answer)

    async def _call_endpoint(self, row: TokenRow, owner: str) -> IssuedTokens | TokenRow | str:
        """The new tokens, what somebody else stored meanwhile, or the vendor's reason for a final refusal.

        After a lost answer the same token is spent once more: if the vendor saw the first call, it refuses. Raises a
        retryable CrmError otherwise, with the lease ended.
        """
        failure = ""
        for again in (False, True):
            if again:
                await self._clock.sleep(POLL_FIRST_SECONDS)
                stored = await self._store.read()
                if stored.refresh_token != row.refresh_token:
                    return stored
            request = self._endpoint.request(self._http, self._client, row.refresh_token)
            try:
                response = await exchange(self._http, request, total_seconds=TOKEN_CALL_SECONDS)
            except (httpx.RequestError, TargetRefused) as exc:
                failure = type(exc).__name__
                continue
            issued = self._issued(response, row) if response.is_success else None
            if issued is not None:
                return issued
            failure = error_of(response, (row.access_token, row.refresh_token, self._client.client_secret))
            if response.status_code in (400, 401) and failure != "invalid_client":
                return failure
            if failure == "invalid_client" and self._reload_client is not None:
                # The operator has replaced id or secret since this process started (section 6.2).
                await self._reload(self._reload_client)
        await self._store.release(owner=owner, error=failure)
        raise CrmError(
            CrmErrorCode.UPSTREAM,
            f"the token endpoint did not renew the access ({failure})",
            platform=self._platform,
            retryable=True,
        )

    async def _reload(self, reload_client: Callable[[], Awaitable[OAuthClient | None]]) -> None:
        try:
            self._client = await reload_client() or self._client
        except Exception as exc:  # noqa: BLE001 - whatever it is, the lease has to be ended with the client as it was
            log.warning("oauth_client_not_read", platform=self._platform, error=type(exc).__name__)

    async def _keep(self, spent: TokenRow, issued: IssuedTokens) -> TokenRow:
        """Write until it lands: these tokens exist nowhere else. Raises CrmError when the row itself is gone."""
        pause = POLL_FIRST_SECONDS
        while True:
            try:
                other = await self._store.store(spent, issued)
            except CrmError:
                raise
            except Exception as exc:  # noqa: BLE001 - whatever the trouble is, giving up would lose the account
                log.warning("token_store_failed", platform=self._platform, error=type(exc).__name__)
                await self._clock.sleep(pause)
                pause = min(pause * 2, STORE_BACKOFF_LONGEST_SECONDS)
                continue
            return other or TokenRow(
                issued.access_token, issued.refresh_token, issued.expires_at, version=spent.version + 1
            )

    def _issued(self, response: httpx.Response, row: TokenRow) -> IssuedTokens | None:
        """The tokens of a 2xx answer; None for one without, such as a gateway's HTML page."""
        answer = token_answer(response)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            return None
        lifetime = answer.get("expires_in")
        seconds = float(lifetime) if isinstance(lifetime, int | float | str) and str(lifetime).isdecimal() else 0.0
        return IssuedTokens(
            access_token=token,
            refresh_token=str(answer.get("refresh_token") or row.refresh_token),
            expires_at=self._now() + seconds if seconds else 0,
            token_type=str(answer.get("token_type") or ""),
            scope=str(answer.get("scope") or ""),
            location_id=str(answer.get("locationId") or ""),
        )


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of the work, which goes on when the caller is cancelled, however often; then it raises that.

    Between the vendor's answer and the write, the new token exists in this process only.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at, or the loop would report it as forgotten
        raise cancelled
    return task.result()
