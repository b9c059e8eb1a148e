from __future__ import annotations

from typing import Any

import pytest

from helpers.testing import run_helper

CONTACT = {
    "id": "c1",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "phone": "555",
    "company": "Acme",
    "job_title": "Analyst",
    "custom_fields": {"plan": 1000000.0, "loop": "{{email}}", "nothing": None, "no": {}, "Favourite Tea": "Earl Grey"},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{contact_id}} {{first_name}} {{last_name}}", "c1 Ada Lovelace"),
        ("{{ email }}|{{phone}}|{{company}}|{{job_title}}", "ada@example.com|555|Acme|Analyst"),
        ("{{full_name}}", "Ada Lovelace"),
        ("{{plan}} {{ Favourite Tea }}", "1000000 Earl Grey"),
        ("{{loop}}", "{{email}}"),
        ("[{{nothing}}{{no}}]", "[]"),
        ("{{unknown}} {{FirstName}} {{Email}}", "{{unknown}} {{FirstName}} {{Email}}"),
        ("{first_name}", "{first_name}"),
        (" spaces kept ", " spaces kept "),
    ],
)
async def test_placeholders_are_replaced_in_one_pass(template: str, text: str) -> None:
    """Case-sensitive; unknown placeholders stay, empty values vanish."""
    run = await run_helper("note_it", {"subject": template, "body": f"<{template}>"}, crm={"contact": CONTACT})

    data = {"subject": text, "body": f"<{text}>", "note_type": "general", "contact_id": "c1", "note_id": "1"}
    assert run.output is not None
    assert run.output.success
    assert run.output.modified_data == data
    assert [(a.type, a.target, a.value) for a in run.output.actions] == [("note_created", "c1", data)]
    assert run.crm.notes_of("c1") == [{"title": text, "body": f"<{text}>", "note_type": "general"}]


async def test_a_custom_field_of_a_standard_name_wins() -> None:
    """The account's own field is meant."""
    crm = {"contact": {"id": "c1", "company": "Acme", "custom_fields": {"full_name": "Countess"}}}
    run = await run_helper("note_it", {"subject": "s", "body": "{{full_name}}"}, crm=crm)

    assert run.output is not None
    assert run.output.modified_data["body"] == "Countess"


@pytest.mark.parametrize(
    ("note_type", "kept"), [("call", "call"), ("", "general"), (None, "general"), ("Visit", "Visit")]
)
async def test_the_note_type_is_free_text(note_type: Any, kept: str) -> None:
    """Blank means general."""
    run = await run_helper("note_it", {"subject": "s", "body": "b", "note_type": note_type}, crm={"contact": CONTACT})

    assert run.crm.notes_of("c1")[0]["note_type"] == kept


async def test_no_note_id_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some CRMs return none."""
    crm = (await run_helper("note_it", {"subject": "s", "body": "b"}, crm={"contact": CONTACT})).crm

    async def create_note(*_: Any) -> str:
        return ""

    monkeypatch.setattr(crm, "create_note", create_note)
    run = await run_helper("note_it", {"subject": "s", "body": "b"}, crm=crm)

    assert run.output is not None
    assert "note_id" not in run.output.modified_data


async def test_a_redelivered_execution_adds_no_second_note() -> None:
    """The step is remembered under the execution id."""
    ids = {"execution_id": "exec:1"}
    first = await run_helper("note_it", {"subject": "s", "body": "b"}, crm={"contact": CONTACT}, ids=ids)
    again = await run_helper("note_it", {"subject": "s", "body": "b"}, crm=first.crm, state=first.state, ids=ids)

    assert first.output is not None
    assert again.output is not None
    assert again.output.modified_data == first.output.modified_data
    assert len(again.crm.notes_of("c1")) == 1


async def test_a_crm_without_notes_is_a_permanent_failure() -> None:
    """Stripe: success=false, not retried."""
    run = await run_helper("note_it", {"subject": "s", "body": "b"}, crm={"platform": "stripe", "contact": CONTACT})

    assert run.error is None
    assert run.output is not None
    assert not run.output.success
    assert run.output.actions == []


@pytest.mark.parametrize("fail", [{"create_note": True}, {"get_contact": True}])
async def test_failures_are_errors(fail: dict[str, Any]) -> None:
    """Contact not readable, note not created."""
    run = await run_helper("note_it", {"subject": "s", "body": "b"}, crm={"contact": CONTACT, "fail": fail})

    assert run.error is not None
    assert run.crm.notes_of("c1") == []


@pytest.mark.parametrize(
    "config",
    [{}, {"subject": "s"}, {"subject": "", "body": "b"}, {"subject": "s", "body": " "}, {"subject": 1, "body": "b"}],
)
async def test_wrong_configs_are_refused(config: dict[str, Any]) -> None:
    """Subject and body are required texts."""
    assert (await run_helper("note_it", config, crm={"contact": CONTACT})).config_error is not None
