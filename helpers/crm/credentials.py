"""How requests authenticate: fixed keys, or OAuth tokens that are renewed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Protocol

REMEMBERED_TOKENS = 4


class FixedHeaders:
    """API keys and private tokens: there is nothing to renew, so a 401 is final."""

    def __init__(self, headers: Mapping[str, str], secrets: Iterable[str]) -> None:
        self._headers = dict(headers)
        self._secrets = tuple(secrets)

    async def headers(self) -> Mapping[str, str]:
        """The same headers every time."""
        return self._headers

    async def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 - the interface
        """Never possible."""
        return False

    def secrets(self) -> Iterable[str]:
        """The keys."""
        return self._secrets


class AccessTokens(Protocol):
    """Where the access token of a connection comes from; `oauth.OAuthTokens` is one."""

    async def current(self) -> str:
        """A token that is good for some minutes."""
        ...

    async def renewed(self, refused: str) -> str:
        """Another token than the refused one."""
        ...


class BearerToken:
    """``Authorization: Bearer`` with a token that may be renewed; ``extra`` headers go with every request."""

    def __init__(self, tokens: AccessTokens, extra: Mapping[str, str] | None = None) -> None:
        self._tokens = tokens
        self._extra = dict(extra or {})
        # Calls run side by side: one may still be out with the token that another one has just had renewed.
        self._used: deque[str] = deque(maxlen=REMEMBERED_TOKENS)

    async def headers(self) -> Mapping[str, str]:
        """The headers with the current token."""
        token = await self._tokens.current()
        if token not in self._used:
            self._used.append(token)
        return {"Authorization": f"Bearer {token}", **self._extra}

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Fetch another token than the one that was refused."""
        token = refused["Authorization"].removeprefix("Bearer ")
        return await self._tokens.renewed(token) != token

    def secrets(self) -> Iterable[str]:
        """The tokens that were sent last."""
        return tuple(self._used)
