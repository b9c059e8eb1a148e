"""The sandbox on a file: seeds, several processes, all or nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from helpers.crm.models import ContactQuery, ContactUpdate
from helpers.crm.sandbox import SandboxConnector
from helpers.crm.sandbox.seed import read_seed, seed
from helpers.crm.sandbox.store import SandboxStore

WRITER = """
import asyncio, sys
from helpers.crm.sandbox import SandboxConnector
from helpers.crm.sandbox.store import SandboxStore
from helpers.crm.models import NewContact

async def main(path, name):
    crm = SandboxConnector(SandboxStore(path))
    for n in range(40):
        await crm.create_contact(NewContact(email=f"{name}{n}@example.com", tags=[name]))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_csv_is_a_seed(tmp_path: Path) -> None:
    """Columns are field keys, tags are separated by semicolons."""
    file = tmp_path / "contacts.csv"
    file.write_text("\ufeffid,FirstName,Email,Plan,tags\n7,Ada,ada@example.com,Gold,VIP; New\n,Bob,bob@example.com,,\n")
    crm = SandboxConnector()
    seed(crm, read_seed(file))

    ada = await crm.get_contact("7")
    assert (ada.first_name, ada.email, ada.custom_fields) == ("Ada", "ada@example.com", {"Plan": "Gold"})
    assert [tag.name for tag in ada.tags] == ["VIP", "New"]
    assert (await crm.get_contacts(ContactQuery(email="bob@example.com"))).contacts[0].first_name == "Bob"


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    """The message says what is accepted."""
    with pytest.raises(ValueError, match=r"\.json or \.csv"):
        read_seed(tmp_path / "contacts.xlsx")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(ValueError, match="object"):
        read_seed(tmp_path / "list.json")


async def test_seeding_twice_updates(tmp_path: Path) -> None:
    """The embedded stack seeds at every start."""
    file = tmp_path / "seed.json"
    file.write_text(
        json.dumps({"contacts": [{"id": "1", "email": "a@x", "tags": ["T"]}], "tags": [{"id": "T", "name": "Tee"}]})
    )
    crm = SandboxConnector(SandboxStore(tmp_path / "crm.db"))
    for _ in range(2):
        seed(crm, read_seed(file))
    assert len((await crm.get_contacts()).contacts) == 1
    assert [tag.name for tag in await crm.get_tags()] == ["Tee"]


async def test_processes_share_one_file(tmp_path: Path) -> None:
    """Two writers at once lose nothing and never fail with a locked database."""
    path = tmp_path / "crm.db"
    SandboxStore(path).close()
    writers = [await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(path), name) for name in "ab"]
    assert [await asyncio.wait_for(writer.wait(), 60) for writer in writers] == [0, 0]

    crm = SandboxConnector(SandboxStore(path))
    found = [contact async for contact in crm.iter_contacts(ContactQuery(limit=30))]
    assert len({contact.id for contact in found}) == 80
    assert len((await crm.get_contacts(ContactQuery(tag_id="a"))).contacts) == 40


async def test_an_update_is_all_or_nothing() -> None:
    """A read-only key takes the rest of the update with it."""
    crm = SandboxConnector()
    seed(crm, {"contacts": [{"id": "1", "first_name": "Ada"}]})
    with pytest.raises(Exception, match="read only"):
        await crm.update_contact("1", ContactUpdate(first_name="B", custom_fields={"ContactId": "9"}))
    assert (await crm.get_contact("1")).first_name == "Ada"


async def test_filters_order_and_saved_searches() -> None:
    """Any field filters and orders; a saved search is a stored query."""
    crm = SandboxConnector()
    seed(
        crm,
        {
            "contacts": [
                {"id": "1", "first_name": "Ada", "fields": {"Plan": "Gold"}},
                {"id": "2", "first_name": "Zoe", "fields": {"Plan": "gold"}},
            ],
            "saved_searches": {"s1": {"filters": {"Plan": "GOLD"}, "order_by": "first_name desc"}},
        },
    )  # fmt: skip
    assert [contact.id for contact in await crm.saved_search("s1")] == ["2", "1"]


async def test_a_page_reads_its_own_contacts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing a large sandbox takes time in proportion to what is listed."""
    crm = SandboxConnector()
    seed(crm, {"contacts": [{"id": str(n), "email": f"c{n}@example.com"} for n in range(50)]})
    read: list[str] = []
    whole = crm.store.values
    monkeypatch.setattr(crm.store, "values", lambda contact_id: read.append(contact_id) or whole(contact_id))

    page = await crm.get_contacts(ContactQuery(limit=10, offset=20))
    assert (page.total, page.next_cursor, read) == (50, "30", [str(n) for n in range(20, 30)])
    read.clear()
    assert [c.id for c in (await crm.get_contacts(ContactQuery(email=" C7@example.com"))).contacts] == read == ["7"]


async def test_a_key_in_another_case_is_the_same_field() -> None:
    """crm.md 5.2: the last resort, so no second field comes into being."""
    crm = SandboxConnector()
    seed(crm, {"contacts": [{"id": "1", "custom_fields": {"Plan": "Gold"}}]})
    await crm.set_field_value("1", "plan", "Silver")
    assert (await crm.get_contact("1")).custom_fields == {"Plan": "Silver"}
