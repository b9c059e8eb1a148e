"""Company and job title of an ActiveCampaign contact: both live on its link to an account (spec crm.md 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.crm.client import VendorClient, path
from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.crm.paths import Record


class CompanyLink:
    """Writes the link of one contact; ``links`` are its accountContacts as they are."""

    def __init__(self, client: VendorClient, contact_id: str, links: Sequence[Record]) -> None:
        self._client = client
        self._contact_id = contact_id
        self._links = links

    async def write(self, company: str | None, job_title: str | None) -> None:
        """None leaves alone; an empty company ends the link. Raises VALIDATION for a job title without a company."""
        if company is not None and not company.strip():
            await self._unlink()
        elif company is not None:
            await self._link(await self._account(company), job_title)
        elif job_title is not None:
            await self._retitle(job_title)

    async def _account(self, name: str) -> str:
        """The account of that name, made where there is none."""
        wanted = name.strip().casefold()
        answer = await self._client.get("/accounts", search=name)
        for account in self._client.records(answer, "accounts"):
            if str(account.get("name")).strip().casefold() == wanted:
                return str(account["id"])
        made = await self._client.call("POST", "/accounts", json={"account": {"name": name}})
        return str(self._client.required(made, "account.id"))

    async def _link(self, account_id: str, job_title: str | None) -> None:
        same = next((link for link in self._links if str(link.get("account")) == account_id), None)
        if same is not None:
            if job_title is not None:
                await self._put_title(same, job_title)
            return
        title = (
            job_title if job_title is not None else next((str(link.get("jobTitle") or "") for link in self._links), "")
        )
        link = {"account": account_id, "contact": self._contact_id} | ({"jobTitle": title} if title else {})
        try:
            await self._client.call("POST", "/accountContacts", json={"accountContact": link}, repeatable=True)
        except CrmError as exc:
            # 422 is the vendor's answer to a contact that has an account already.
            if exc.status_code != 422 or not self._links:
                raise
            await self._unlink()
            await self._client.call("POST", "/accountContacts", json={"accountContact": link}, repeatable=True)

    async def _retitle(self, job_title: str) -> None:
        if self._links:
            await self._put_title(self._links[0], job_title)
        elif job_title:
            raise self._client.error(
                CrmErrorCode.VALIDATION,
                "ActiveCampaign keeps the job title with the company: write the company first",
                status=400,
            )

    async def _put_title(self, link: Record, job_title: str) -> None:
        url = path("/accountContacts/{id}", id=self._client.required(link, "id"))
        await self._client.call("PUT", url, json={"accountContact": {"jobTitle": job_title}})

    async def _unlink(self) -> None:
        for link in self._links:
            await self._client.call("DELETE", path("/accountContacts/{id}", id=self._client.required(link, "id")))
