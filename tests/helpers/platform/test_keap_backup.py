"""keap_backup: Keap records as JSON pages in S3 (spec platform)."""

from __future__ import annotations

import hashlib
import json

import pytest

from helpers.crm.errors import CrmError, CrmErrorCode
from helpers.testing import SandboxCRM, run_helper

NOW = "2026-01-15T10:00:00Z"
STAMP = "2026-01-15T10-00-00Z"
SETTINGS = {"backup_buckets": ("platform-bucket",)}
IDS = {"account_id": "acct", "execution_id": "exec:1"}
RAW = {
    "contacts": [[{"id": "1", "email": "ann@example.com"}, {"id": "2"}], [{"id": "3"}]],
    "tags": [[{"id": "7", "name": "VIP"}]],
    "custom_fields": [[{"id": "1"}], [{"id": "2"}]],
}


def crm(**extra):
    return {"contact": {"id": "c1"}, "raw": RAW, **extra}


async def backup(config=None, **kwargs):
    stored = {"data_types": ["contacts"], "s3_bucket": "platform-bucket", **(config or {})}
    defaults = {"crm": crm(), "now": NOW, "settings": SETTINGS, "ids": IDS, "contact_id": ""}
    return await run_helper("keap_backup", stored, **(defaults | kwargs))


class Breaking(SandboxCRM):
    """Fails after some pages of contacts while ``broken``, with an error that passes."""

    broken = True
    pages = 1

    async def iter_raw(self, resource, page_size):
        number = 0
        async for page in super().iter_raw(resource, page_size):
            yield page
            number += 1
            if self.broken and resource == "contacts" and number == self.pages:
                raise CrmError(CrmErrorCode.UPSTREAM, "unavailable", platform="keap", status_code=503, retryable=True)


@pytest.mark.parametrize(
    "config",
    [
        {"data_types": None},
        {"data_types": []},
        {"data_types": "contacts"},
        {"data_types": ["orders"]},
        {"data_types": ["contacts", 5]},
        {"s3_bucket": ""},
        {"s3_bucket": None},
        {"s3_prefix": "a/../b"},
        {"s3_prefix": ".."},
        {"page_size": 0},
        {"page_size": 1001},
        {"page_size": 10.5},
        {"page_size": "10"},
        {"page_size": True},
    ],
)
async def test_refused_configs(config):
    """Known types, a bucket, no way out of the prefix, a page size from 1 to 1000."""
    assert (await backup(config)).config_error


async def test_pages_and_manifest():
    """One object a page, keys scoped by account in the platform's bucket, and a manifest with digests."""
    run = await backup({"data_types": ["contacts", "tags", "contacts"], "page_size": 2})

    base = "keap-backups/acct"
    keys = [f"{base}/contacts/{STAMP}-page-1.json", f"{base}/contacts/{STAMP}-page-2.json", f"{base}/tags/{STAMP}.json"]
    manifest_key = f"{base}/manifests/{STAMP}.json"
    assert [file.path for file in run.files] == [*keys, manifest_key]
    assert {file.bucket for file in run.files} == {"platform-bucket"}
    assert {file.content_type for file in run.files} == {"application/json"}
    assert [json.loads(file.content) for file in run.files[:3]] == [*RAW["contacts"], *RAW["tags"]]
    assert run.output.modified_data == {
        "timestamp": STAMP,
        "total_types": 2,
        "successful": 2,
        "failed": 0,
        "backup_results": {
            "contacts": {"success": True, "record_count": 3, "page_count": 2, "s3_keys": keys[:2]},
            "tags": {"success": True, "record_count": 1, "page_count": 1, "s3_keys": keys[2:]},
        },
        "s3_bucket": "platform-bucket",
        "s3_prefix": "keap-backups",
        "manifest_key": manifest_key,
    }
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [
        ("backup_completed", f"s3://platform-bucket/{manifest_key}", 4)
    ]
    manifest = json.loads(run.files[-1].content)
    first = manifest["data_types"]["contacts"]["objects"][0]
    assert first["sha256"] == hashlib.sha256(run.files[0].content).hexdigest()
    assert first["bytes"] == len(run.files[0].content)
    assert (manifest["source_account"], manifest["format_version"]) == ("acct", 1)


async def test_small_sets_are_paged_when_they_do_not_fit_one_page():
    """custom_fields over two pages."""
    run = await backup({"data_types": ["custom_fields"]})

    assert [file.path.rsplit("/", 1)[1] for file in run.files[:2]] == [f"{STAMP}-page-1.json", f"{STAMP}-page-2.json"]


@pytest.mark.parametrize(
    ("data_type", "contents"),
    [("contacts", []), ("notes", []), ("tags", [[]]), ("custom_fields", [[]])],
)
@pytest.mark.parametrize("pages", [[], [[]]])
async def test_no_records(data_type, contents, pages):
    """A success without page object; tags and custom fields still write an empty list."""
    run = await backup({"data_types": [data_type]}, crm=crm(raw={data_type: pages}))

    result = run.output.modified_data["backup_results"][data_type]
    assert result["success"] is True
    assert (result["record_count"], result["page_count"], len(result["s3_keys"])) == (0, 0, len(contents))
    assert [json.loads(file.content) for file in run.files[:-1]] == contents
    assert run.output.actions[0].value == 0


@pytest.mark.parametrize(
    ("stored", "used"), [("", "keap-backups"), (None, "keap-backups"), ("/a/b/", "a/b"), ("x..y", "x..y")]
)
async def test_the_prefix_is_trimmed(stored, used):
    """Leading and trailing slashes go."""
    run = await backup({"s3_prefix": stored})

    assert run.output.modified_data["s3_prefix"] == used
    assert run.files[0].path == f"{used}/acct/contacts/{STAMP}-page-1.json"


async def test_own_credentials_write_to_the_configured_bucket():
    """Without the account in the key, and never with the platform's role."""
    run = await backup({"s3_bucket": "tenant"}, service_auths={"aws": {"api_key": "AKIA1", "api_secret": "secret-1"}})

    assert run.files[0].bucket == "tenant"
    assert run.files[0].path == f"keap-backups/contacts/{STAMP}-page-1.json"
    assert run.output.modified_data["manifest_key"] == f"keap-backups/manifests/{STAMP}.json"
    assert "secret-1" not in str(run.output)


ROLE = {"role_arn": "arn:aws:iam::123456789012:role/mfh-backup", "external_id": "ext-1"}


async def test_a_role_of_the_tenant_writes_to_the_configured_bucket():
    """The role goes to the store with its external id."""
    run = await backup({"s3_bucket": "tenant"}, service_auths={"aws": ROLE})

    assert {(file.bucket, file.path.split("/")[1]) for file in run.files} == {
        ("tenant", "contacts"),
        ("tenant", "manifests"),
    }
    assert "ext-1" not in str(run.output)


@pytest.mark.parametrize("missing", ["role_arn", "external_id"])
async def test_a_role_without_external_id_is_no_connection(missing):
    """Any tenant could name another one's role otherwise."""
    run = await backup({"s3_bucket": "tenant"}, service_auths={"aws": ROLE | {missing: ""}})

    assert not run.output.success
    assert run.files == []


async def test_another_bucket_fails_before_any_keap_call():
    """Any tenant could write into any bucket otherwise."""
    run = await backup({"s3_bucket": "somebody-elses"})

    assert run.error is None
    assert not run.output.success
    assert run.crm.calls == []
    assert run.files == []


async def test_another_crm_fails():
    """Keap only."""
    run = await backup(crm=crm(platform="hubspot"))

    assert run.error is None
    assert not run.output.success


async def test_it_needs_a_connection_but_no_contact():
    """contact_id is ignored."""
    assert not (await backup(crm=None)).error.retryable
    assert (await backup(contact_id="unknown")).output.success


async def test_a_failing_type_does_not_stop_the_others():
    """It is reported with its error."""
    run = await backup({"data_types": ["contacts", "tags"]}, crm=crm(fail={"iter_raw": ["contacts"]}))

    data = run.output.modified_data
    assert run.output.success
    assert (data["successful"], data["failed"]) == (1, 1)
    assert data["backup_results"]["contacts"]["success"] is False
    assert data["backup_results"]["contacts"]["error"]
    assert set(data["backup_results"]["contacts"]) == {"success", "error"}


async def test_no_type_succeeding_is_a_failure():
    """For good, unless every cause passes."""
    permanent = await backup(crm=crm(fail={"iter_raw": True}))
    transient = await backup(crm=Breaking(crm()))

    assert permanent.error is None
    assert not permanent.output.success
    assert permanent.output.actions == []
    assert transient.error.retryable


async def test_one_backup_an_account_at_a_time():
    """Another execution waits, the same one goes on."""
    first = await backup()
    await first.state.put("keap_backup:running:acct", {"execution_id": "exec:other"})

    second = await backup(state=first.state, ids=IDS | {"execution_id": "exec:2"})
    other = await backup(state=first.state, ids={"account_id": "acct2"})

    assert second.error.retryable
    assert second.crm.calls == []
    assert other.output.success


async def test_a_finished_backup_lets_the_next_one_run():
    """The claim ends with the run, however it ended."""
    failed = await backup(crm=Breaking(crm()))

    assert (await backup(state=failed.state, ids=IDS | {"execution_id": "exec:2"})).output.success


async def test_an_attempt_after_an_outage_goes_on_with_its_timestamp():
    """The page before the outage is not written again."""
    sandbox = Breaking(crm())
    sandbox.pages = 2
    first = await backup(crm=sandbox)
    sandbox.broken = False

    second = await backup(crm=sandbox, state=first.state, now="2026-01-15T11:30:00Z")

    assert first.error.retryable
    assert [file.path for file in first.files] == [f"keap-backups/acct/contacts/{STAMP}-page-1.json"]
    assert [file.path for file in second.files] == [
        f"keap-backups/acct/contacts/{STAMP}-page-2.json",
        f"keap-backups/acct/manifests/{STAMP}.json",
    ]
    assert second.output.modified_data["timestamp"] == STAMP
    assert second.output.modified_data["backup_results"]["contacts"]["record_count"] == 3


class Dying(SandboxCRM):
    """Dies after the second page of contacts while ``broken``, as a worker does."""

    broken = True

    async def iter_raw(self, resource, page_size):
        pages = 0
        async for page in super().iter_raw(resource, page_size):
            yield page
            pages += 1
            if self.broken and pages == 2:
                raise RuntimeError("killed")


async def test_a_redelivered_backup_goes_on_with_its_timestamp():
    """Pages that were written are not written again."""
    sandbox = Dying(crm())
    first = await backup(crm=sandbox)
    sandbox.broken = False

    second = await backup(crm=sandbox, state=first.state, now="2026-01-15T11:30:00Z")

    assert [file.path for file in first.files] == [f"keap-backups/acct/contacts/{STAMP}-page-1.json"]
    assert [file.path for file in second.files] == [
        f"keap-backups/acct/contacts/{STAMP}-page-2.json",
        f"keap-backups/acct/manifests/{STAMP}.json",
    ]
    assert second.output.modified_data["timestamp"] == STAMP
    assert second.output.modified_data["backup_results"]["contacts"]["record_count"] == 3
