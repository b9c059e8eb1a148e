"""Field keys lead to one field, whatever their spelling (contact C2, data D2, integration C7)."""

from __future__ import annotations

import pytest

from helpers.crm.models import Contact, CustomField
from helpers.rules.fields import alias_of, contact_value, fold, is_pseudo, resolve, secondary_email

COLOR = CustomField(id="42", key="color", label=" Favorite Color ")
EMAIL_COPY = CustomField(id="77", key="Email", label="E-mail copy")


@pytest.mark.parametrize(
    ("spelling", "standard"),
    [
        ("FirstName", "first_name"), ("firstName", "first_name"), ("firstname", "first_name"),
        ("given_name", "first_name"), ("_first_name", "first_name"), ("first-name", "first_name"),
        ("First Name", "first_name"), ("LastName", "last_name"), ("family_name", "last_name"),
        ("surname", "last_name"), ("Email", "email"), ("EmailAddress", "email"), ("Email1", "email"),
        ("Phone", "phone"), ("Phone1", "phone"), ("phone_number", "phone"), ("Company", "company"),
        ("CompanyName", "company"), ("companyName", "company"), ("JobTitle", "job_title"),
        ("jobTitle", "job_title"), ("OwnerID", "owner_id"), ("owner", "owner_id"), ("assignedTo", "owner_id"),
        ("hubspot_owner_id", "owner_id"), ("ContactId", "id"),
    ],
)  # fmt: skip
def test_every_alias_means_its_standard_attribute(spelling: str, standard: str) -> None:
    """C2 step 3: underscores, dashes, blanks and case do not matter."""
    assert alias_of(spelling) == standard
    assert resolve(spelling).standard == standard


def test_an_exact_custom_key_wins_over_an_alias_but_not_over_a_standard_name() -> None:
    """C2 order: canonical name, custom key, alias."""
    assert resolve("Email", [EMAIL_COPY]).custom is EMAIL_COPY
    assert resolve("email", [CustomField(id="9", key="email")]).standard == "email"


def test_a_custom_field_is_found_by_key_id_and_label() -> None:
    """D2: key, label or id; labels are trimmed and compared without case."""
    assert [resolve(key, [COLOR]).key for key in ("color", "42", "favorite COLOR")] == ["42", "42", "42"]


def test_a_custom_key_is_found_in_any_case_when_nothing_else_fits() -> None:
    """The last step before the raw key (crm.md 5.2); a label wins over it."""
    fields = [CustomField(id="1", key="Score"), CustomField(id="2", key="other", label="SCORE")]
    assert resolve(" score ", fields).key == "2"
    assert resolve(" score ", fields[:1]).key == "1"


def test_an_unknown_key_is_passed_through() -> None:
    """C2 step 5: the CRM gets the raw key."""
    assert resolve("Shoe Size", [COLOR]).key == "Shoe Size"
    assert resolve("", [CustomField(id="1", key="k")]).key == ""


def test_secondary_addresses_and_pseudo_keys_are_recognised() -> None:
    """D2 and D13."""
    assert (secondary_email("EmailAddress2"), secondary_email("email_address3"), secondary_email("Email")) == (
        2,
        3,
        None,
    )
    assert is_pseudo("_related.invoice.count")
    assert is_pseudo("_goal.bought.achieved")
    assert not is_pseudo("_first_name")
    assert fold(" First_Name-") == "firstname"


def test_a_loaded_contact_is_read_by_exact_key() -> None:
    """C7: custom fields first, then the standard spellings, case-sensitive; unknown is the default."""
    contact = Contact(id="7", first_name="Ada", last_name="Byron", custom_fields={"Email": "shadow", "note": None})
    assert contact_value(contact, "Email") == "shadow"
    assert contact_value(contact, "full_name") == "Ada Byron"
    assert [contact_value(contact, key) for key in ("Id", "id", "contact_id")] == ["7", "7", "7"]
    assert contact_value(contact, "note", "absent") is None
    assert contact_value(contact, "phone", "absent") == ""
    assert contact_value(contact, "firstname", "absent") == "absent"
