"""The test kit does what docs and hidden cases rely on."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import ModuleType
from typing import Any, ClassVar

import httpx
import pytest

from helpers import registry
from helpers.contract import Example, Helper, HelperConfig, HelperContext, HelperOutput
from helpers.crm.errors import CrmError, NotFound, Unsupported
from helpers.errors import HelperCrashed
from helpers.ports import MailMessage
from helpers.testing import HelperRun, SandboxCRM, run_helper
from helpers.testing.transport import UnmatchedRequest


class Config(HelperConfig):
    """What the probe takes."""

    count: int = 0


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Registers a helper ``probe_it`` whose execute is the given coroutine function."""

    def register(body: Any) -> None:
        class ProbeIt(Helper[Config]):
            type = "probe_it"
            name = "Probe It"
            category = "contact"
            description = "Probes."
            example = Example(config={})

            async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
                return await body(ctx) or HelperOutput.ok("done")

        module = ModuleType("helpers.contact.probe_it")
        module.ProbeIt = ProbeIt  # type: ignore[attr-defined] # made here
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(registry, "inventory", lambda: {"probe_it": "contact"})
        registry.load.cache_clear()

    yield register
    registry.load.cache_clear()


async def test_a_refused_config_runs_nothing(probe: Any) -> None:
    """The refusal names the field, and neither contact nor CRM matter."""

    async def body(ctx: HelperContext[Config]) -> None:
        pytest.fail("ran")

    probe(body)

    run = await run_helper("probe_it", {"count": "many"}, contact_id="", crm=None)

    assert run.config_error is not None
    assert run.config_error.problems[0].field == "count"
    assert (run.output, run.error) == (None, None)


@pytest.mark.parametrize(
    ("contact_id", "crm", "message"),
    [
        ("", {"contact": {"id": "c1"}}, "contact_id"),
        ("c1", None, "CRM connection"),
        ("ghost", {"contact": {}}, "ghost"),
    ],
)
async def test_a_missing_contact_or_connection_is_a_permanent_error(
    probe: Any, contact_id: str, crm: Any, message: str
) -> None:
    """The checks of invoke() show up as run.error."""

    async def body(ctx: HelperContext[Config]) -> None:
        pytest.fail("ran")

    probe(body)

    run = await run_helper("probe_it", {}, contact_id=contact_id, crm=crm)

    assert run.error is not None
    assert message in str(run.error)
    assert (run.error.retryable, run.error.retry_after) == (False, None)


async def test_replies_are_used_in_order_and_the_last_one_repeats(probe: Any) -> None:
    """First unused match, then the last match; timed-out attempts are recorded with their body."""
    seen: list[Any] = []

    async def body(ctx: HelperContext[Config]) -> None:
        for _ in range(3):
            try:
                seen.append((await ctx.http.post("https://api.example.com/a", json={"n": 1})).status_code)
            except httpx.TimeoutException as exc:
                seen.append(type(exc).__name__)

    probe(body)
    match = {"method": "post", "url_contains": "/a"}

    run = await run_helper(
        "probe_it", {}, crm={"contact": {"id": "c1"}},
        http=[{"match": match, "reply": {"error": "timeout"}}, {"match": match, "reply": {"status": 201, "json": {}}}],
    )  # fmt: skip

    assert seen == ["ReadTimeout", 201, 201]
    assert [request.content for request in run.requests] == [b'{"n":1}'] * 3


async def test_an_unmatched_request_fails_the_run_even_when_the_helper_swallows_it(probe: Any) -> None:
    """No retry and no broad except may hide a request that the test did not expect."""

    async def body(ctx: HelperContext[Config]) -> None:
        with pytest.raises(UnmatchedRequest) as raised:
            await ctx.http.get("https://api.example.com/unexpected")
        assert not isinstance(raised.value, httpx.HTTPError)

    probe(body)

    run = await run_helper("probe_it", {}, crm={"contact": {"id": "c1"}})

    assert isinstance(run.error, HelperCrashed)
    assert "unexpected" in str(run.error)
    assert run.output is None


async def test_sleeping_moves_the_clock_at_once(probe: Any) -> None:
    """clock.now() starts at ``now``; nothing waits."""
    instants = []

    async def body(ctx: HelperContext[Config]) -> None:
        instants.append(ctx.clock.now())
        await ctx.clock.sleep(3600)
        instants.append(ctx.clock.now())

    probe(body)

    await run_helper("probe_it", {}, crm={"contact": {"id": "c1"}}, now="2026-03-01T00:30:00+01:00")

    assert instants[0].isoformat() == "2026-02-28T23:30:00+00:00"
    assert instants[1] - instants[0] == timedelta(hours=1)


async def test_state_lives_on_only_when_it_is_handed_over(probe: Any) -> None:
    """Counters and TTL of a state that is passed on continue; a run without one starts empty."""
    counts = []

    async def body(ctx: HelperContext[Config]) -> None:
        counts.append(await ctx.state.increment("k", ttl_seconds=60))

    probe(body)
    crm = {"contact": {"id": "c1"}}
    first = await run_helper("probe_it", {}, crm=crm)
    await run_helper("probe_it", {}, crm=crm, state=first.state)
    await run_helper("probe_it", {}, crm=crm, state=first.state, now="2026-01-15T10:02:00Z")
    await run_helper("probe_it", {}, crm=crm)

    assert counts == [1, 2, 1, 1]


async def test_children_have_a_budget_of_a_hundred_per_root(probe: Any) -> None:
    """The 101st is refused, a known id is not counted twice, and items are plain dicts."""
    answers = []

    async def body(ctx: HelperContext[Config]) -> None:
        for index in range(101):
            child = {"execution_id": f"exec:{index}", "root_execution_id": "exec:root", "chain_path": ("a",)}
            answers.append(await ctx.executions.spawn(child))

    probe(body)

    run = await run_helper("probe_it", {}, crm={"contact": {"id": "c1"}})

    assert answers == [True] * 100 + [False]
    assert run.children[0] == {"execution_id": "exec:0", "root_execution_id": "exec:root", "chain_path": ["a"]}
    assert len(run.children) == 100


async def test_mail_files_and_directory_are_in_memory(probe: Any) -> None:
    """An empty recipient is the user, artifacts are readable by their account, foreign helpers are invisible."""
    found = []

    async def body(ctx: HelperContext[Config]) -> None:
        await ctx.mail.send(MailMessage(subject="Hi"))
        file = await ctx.files.put(f"{ctx.account_id}/a.txt", b"abc", "text/plain")
        assert await ctx.files.open(file.reference) == b"abc"
        found.extend([await ctx.helpers.resolve(name) for name in ("mine", "helper:1", "1", "theirs")])

    probe(body)

    run = await run_helper(
        "probe_it", {}, crm={"contact": {"id": "c1"}},
        stored_helpers=[
            {"helper_id": "helper:1", "short_key": "mine", "helper_type": "tag_it", "enabled": None},
            {"helper_id": "helper:2", "short_key": "theirs", "helper_type": "tag_it", "account_id": "other"},
        ],
    )  # fmt: skip

    assert (run.mails[0]["to"], run.files[0]["size"], run.files[0].content) == ("user@example.com", 3, b"abc")
    assert [helper and (helper.helper_id, helper.runnable) for helper in found] == [("helper:1", True)] * 3 + [None]


async def test_every_run_has_its_own_execution_id(probe: Any) -> None:
    """Unless the test names it; the other ids have defaults, depth 0 and an empty chain path."""
    seen: list[Any] = []

    async def body(ctx: HelperContext[Config]) -> None:
        seen.append((ctx.execution_id, ctx.depth, ctx.chain_path))

    probe(body)
    crm = {"contact": {"id": "c1"}}
    await run_helper("probe_it", {}, crm=crm)
    await run_helper("probe_it", {}, crm=crm)
    await run_helper("probe_it", {}, crm=crm, ids={"execution_id": "exec:1", "depth": 4, "chain_path": ["a"]})

    assert seen[0][0] != seen[1][0]
    assert seen[0][1:] == (0, ())
    assert seen[2] == ("exec:1", 4, ("a",))


class TestSandboxCRM:
    """Fixtures in, effects out."""

    FIXTURE: ClassVar[dict[str, Any]] = {
        "contact": {"id": "c1", "first_name": "Ada", "email": "ada@example.com", "tags": [{"id": "5"}]},
        "fields": {"LastName": "Byron", "score": 12.5, "gone": None, "_related.invoice.count": 3},
        "extra_contacts": [{"id": "c2", "email": "BOB@example.com", "tags": ["77"]}],
        "tags": [{"id": "5", "name": "Old"}, {"id": "77", "name": "VIP", "category": "Sales"}],
        "opportunities": [{"id": "o1", "contact_id": "c1", "stage_id": "3", "created_at": "2026-01-01"}],
        "raw": {"contacts": [[{"id": 1}], [{"id": 2}]]},
    }

    async def test_fields_are_the_contacts_fields_under_every_spelling(self) -> None:
        """Aliases reach the attribute, types stay, null reads None, pseudo keys answer literally."""
        crm = SandboxCRM(self.FIXTURE)

        keys = (
            "last_name",
            "family_name",
            "score",
            "gone",
            "never",
            "_related.invoice.count",
            "_related.x.first.y",
            "id",
        )
        values = [await crm.get_field_value("c1", key) for key in keys]

        assert values == ["Byron", "Byron", 12.5, None, None, 3, None, "c1"]
        assert (await crm.get_contact("c1")).custom_fields == {"score": 12.5, "gone": None}

    @pytest.mark.parametrize("value", [12.5, 0, False, None, ["a", "b"], "", {"a": 1}, 10**12])
    async def test_a_written_value_keeps_its_type(self, value: Any) -> None:
        """Also under a key that did not exist."""
        crm = SandboxCRM(self.FIXTURE)

        await crm.set_field_value("c1", "brand new", value)
        await crm.set_field_value("c1", "Phone1", value)

        for key in ("brand new", "phone"):
            assert crm.field("c1", key) == value
            assert type(crm.field("c1", key)) is type(value)

    async def test_a_custom_field_may_carry_the_name_of_an_attribute(self) -> None:
        """Merge text lets the custom field win, reads and writes the attribute."""
        crm = SandboxCRM({"contact": {"id": "c1", "email": "a@x", "custom_fields": {"email": "shadow"}}})

        assert crm.field("c1", "email") == "a@x"
        assert crm.contact("c1").custom_fields == {"email": "shadow"}

    async def test_get_contacts_filters_by_email_and_tag(self) -> None:
        """E-mails compare without case, tags by id or name; extra contacts are included."""
        from helpers.crm.models import ContactQuery

        crm = SandboxCRM(self.FIXTURE)

        async def ids(**query: Any) -> list[str]:
            return [contact.id for contact in (await crm.get_contacts(ContactQuery(**query))).contacts]

        assert await ids() == ["c1", "c2"]
        assert await ids(email="bob@EXAMPLE.com") == ["c2"]
        assert await ids(tag_id=" vip ") == ["c2"]
        assert await ids(tag_id="nobody has it") == []

    async def test_unknown_contacts_are_not_found_everywhere(self) -> None:
        """A permanent error in every method that takes a contact."""
        crm = SandboxCRM(self.FIXTURE)
        calls = (
            crm.get_contact("x"), crm.get_field_value("x", "email"), crm.set_field_value("x", "email", ""),
            crm.apply_tag("x", "5"), crm.remove_tag("x", "5"), crm.trigger_automation("x", "1"),
            crm.achieve_goal("x", "g"), crm.set_opt_in_status("x", True), crm.create_note("x", "t", "b"),
            crm.list_opportunities("x"), crm.delete_contact("x"),
        )  # fmt: skip
        for call in calls:
            with pytest.raises(NotFound) as raised:
                await call
            assert not raised.value.retryable

    async def test_fail_refuses_always_or_for_the_named_values(self) -> None:
        """By tag id or name, field spelling, goal, automation and contact."""
        crm = SandboxCRM(
            self.FIXTURE
            | {"fail": {"get_tags": True, "apply_tag": ["77"], "set_field_value": ["email"], "achieve_goal": ["bad"]}}
        )
        for call in (
            crm.get_tags(), crm.apply_tag("c1", "VIP"), crm.apply_tag("c1", "77"),
            crm.set_field_value("c1", "Email", "x"), crm.achieve_goal("c1", "bad", "i"),
        ):  # fmt: skip
            with pytest.raises(CrmError) as raised:
                await call
            assert not raised.value.retryable
        await crm.apply_tag("c1", "5")
        await crm.achieve_goal("c1", "good")
        assert crm.goals_of("c1") == [{"goal": "good", "integration": ""}]

    async def test_a_platform_limits_what_is_supported(self) -> None:
        """Slug and capabilities are the vendor's; goals and related data are Keap's."""
        free, hubspot = SandboxCRM(self.FIXTURE), SandboxCRM(self.FIXTURE | {"platform": "hubspot"})

        assert (free.slug, hubspot.slug) == ("keap", "hubspot")
        assert "goals" in await free.get_capabilities()
        assert "goals" not in await hubspot.get_capabilities()
        with pytest.raises(Unsupported):
            await hubspot.achieve_goal("c1", "g")
        with pytest.raises(Unsupported):
            await hubspot.get_field_value("c1", "_related.lead.first.Id")
        assert await hubspot.get_field_value("c1", "_related.invoice.count") == 3
        assert hubspot.contact("c1").source_crm == "hubspot"

    @pytest.mark.parametrize(
        ("platform", "category"), [(None, "News"), ("keap", "News"), ("hubspot", ""), ("activecampaign", "")]
    )
    async def test_only_keap_has_tag_categories(self, platform: str | None, category: str) -> None:
        """Elsewhere a category of the fixture is not reported, neither in the list nor on the contact."""
        tags = [{"id": "5", "name": "Weekly", "category": "News"}]
        crm = SandboxCRM({"platform": platform, "contact": {"id": "c1", "tags": ["5"]}, "tags": tags})

        assert [tag.category for tag in await crm.get_tags()] == [category]
        assert [tag.category for tag in crm.contact("c1").tags] == [category]

    async def test_deals_and_exports_come_from_the_fixture(self) -> None:
        """Stages move; raw pages come as they were given."""
        crm = SandboxCRM(self.FIXTURE)

        assert [deal.id for deal in await crm.list_opportunities("c1", "3")] == ["o1"]
        await crm.update_opportunity_stage("o1", "4")

        assert crm.opportunity_stage("o1") == "4"
        assert [page async for page in crm.iter_raw("contacts", 100)] == [[{"id": 1}], [{"id": 2}]]
        assert [page async for page in crm.iter_raw("notes", 100)] == []

    async def test_a_fetched_contact_is_no_field_read(self, probe: Any) -> None:
        """``fail`` on get_field_value does not touch the contact that was loaded before the run."""

        async def body(ctx: HelperContext[Config]) -> HelperOutput:
            return HelperOutput.ok(ctx.contact.first_name)

        probe(body)

        run: HelperRun = await run_helper("probe_it", {}, crm=self.FIXTURE | {"fail": {"get_field_value": True}})

        assert run.output is not None
        assert run.output.message == "Ada"
