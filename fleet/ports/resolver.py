"""DNS look-ups of helpers: `helpers.ports.Resolver` on dnspython, imported when the first look-up is made."""

from __future__ import annotations

from typing import Any

from helpers.errors import TransientFailure

LIFETIME_SECONDS = 5.0


class DnsResolver:
    """Asks the system's name servers. NXDOMAIN and "no answer" are empty lists, anything else is transient."""

    async def mail_exchangers(self, domain: str) -> list[str]:
        """MX hosts in order of preference; ["."] is a null MX."""
        answers = await self._resolve(domain, "MX")
        ranked = sorted((record.preference, str(record.exchange)) for record in answers)
        return [host.rstrip(".") or "." for _preference, host in ranked]

    async def addresses(self, host: str) -> list[str]:
        """A and AAAA records."""
        return [str(record) for kind in ("A", "AAAA") for record in await self._resolve(host, kind)]

    async def _resolve(self, name: str, kind: str) -> list[Any]:
        import dns.asyncresolver
        import dns.exception
        import dns.resolver

        try:
            return list(await dns.asyncresolver.resolve(name, kind, lifetime=LIFETIME_SECONDS))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as exc:
            raise TransientFailure(f"DNS look-up of {name} ({kind}) failed: {type(exc).__name__}") from exc
