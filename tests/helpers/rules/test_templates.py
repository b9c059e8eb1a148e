"""Merge text: integration spec C7 and slack_it, contact default_to_field."""

from __future__ import annotations

import pytest

from helpers.crm.models import Contact
from helpers.rules.templates import (
    escape_html,
    escape_slack,
    has_placeholder_before_path,
    merge,
    merge_at_tokens,
    merge_fields,
    merge_single_braces,
    merge_url,
    merge_with_at,
    one_line,
)

FIELDS = {"first_name": "Ann", "Email": "a&b@x.de", "Company": "{{first_name}} <Co>", "CompanySize": "9", "empty": ""}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Hi {{first_name}}!", "Hi Ann!"),
        ("{{ first_name\t}}", "Ann"),
        ("{{Company}}", "{{first_name}} <Co>"),
        ("{{empty}}|{{unknown}}|{{ }}|{{}}", "|{{unknown}}|{{ }}|{{}}"),
        ("{{First_Name}} {first_name}", "{{First_Name}} {first_name}"),
        ("{{{first_name}}}", "{Ann}"),
        ("{{first_name", "{{first_name"),
    ],
)
def test_double_braces(template: str, expected: str) -> None:
    """One pass, case-sensitive, unknown keys stay."""
    assert merge(template, FIELDS) == expected


def test_only_inserted_values_are_escaped() -> None:
    """The template is the user's own markup."""
    assert merge("<b>{{Company}}</b>", FIELDS, escape=escape_html) == "<b>{{first_name}} &lt;Co&gt;</b>"
    assert escape_html("&<>\"'") == "&amp;&lt;&gt;&quot;&#x27;"
    assert escape_slack("&<>\"'") == "&amp;&lt;&gt;\"'"


def test_single_braces() -> None:
    """Unknown placeholders stay, JSON text too."""
    assert merge_single_braces('{first_name} {nobody} {"a": 1}', FIELDS) == 'Ann {nobody} {"a": 1}'


def test_urls() -> None:
    """Values are percent-encoded, unknown keys become empty."""
    assert merge_url("https://x.de/{{Email}}?q={{Company}}&z={{unknown}}", FIELDS) == (
        "https://x.de/a%26b%40x.de?q=%7B%7Bfirst_name%7D%7D%20%3CCo%3E&z="
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("@first_name, hi", "Ann, hi"),
        ("x @CompanySize y", "x 9 y"),
        ("sales@Company.com", "sales@Company.com"),
        ("@Company.com", "{{first_name}} <Co>.com"),
        ("(@first_name)", "(Ann)"),
        ("@first_names @unknown @", "@first_names @unknown @"),
        ("{{first_name}}@first_name", "AnnAnn"),
        ("@Company", "{{first_name}} <Co>"),
    ],
)
def test_at_keys_of_slack(template: str, expected: str) -> None:
    """After a non-word character, the longest key up to a word boundary, one pass over both syntaxes."""
    assert merge_with_at(template, FIELDS) == expected


def test_at_tokens_inside_words() -> None:
    """default_to_field replaces anywhere, the longest token first."""
    assert merge_at_tokens("x@first_name@CompanySizes@nobody", FIELDS) == "xAnn9s@nobody"
    assert merge_at_tokens("a@b", {}) == "a@b"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://x.de/{{a}}", False),
        ("https://x.de?{{a}}", False),
        ("https://x.de#{{a}}", False),
        ("https://{{a}}.x.de/", True),
        ("https://x.de:{{a}}/", True),
        ("{{a}}://x.de/", True),
        ("{{a}}", True),
        ("https://x.de{{a}}", True),
        ("https://x.de", False),
        (" https://x.de/{{a}}", False),
    ],
)
def test_placeholders_may_not_choose_the_host(url: str, found: bool) -> None:
    """Scheme, host and port."""
    assert has_placeholder_before_path(url) is found


def test_the_contact_s_fields() -> None:
    """Every spelling, custom fields first, text form with ", "."""
    contact = Contact(
        id="7", first_name="Ann", last_name="Lee", phone="1",
        custom_fields={"Email": "custom@x.de", "list": ["a", 2.0], "no": None, "flag": True, "o": {"a": 1}},
    )  # fmt: skip
    fields = merge_fields(contact)

    assert fields["Id"] == fields["id"] == fields["contact_id"] == "7"
    assert fields["full_name"] == fields["FullName"] == "Ann Lee"
    assert fields["Phone"] == fields["Phone1"] == fields["phone"] == "1"
    assert fields["Email"] == "custom@x.de"
    assert fields["email"] == ""
    assert (fields["list"], fields["no"], fields["flag"], fields["o"]) == ("a, 2", "", "true", '{"a":1}')


def test_one_line() -> None:
    """A run of line breaks is one blank."""
    assert one_line("a\r\n\r\nBcc: x\ny") == "a Bcc: x y"
