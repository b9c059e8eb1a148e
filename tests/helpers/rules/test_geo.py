"""IP addresses and where they are (spec automation C11); the requests are tested with the helpers that send them."""

from __future__ import annotations

import pytest

from helpers.rules.geo import GeoLocation, LocationUnknown, is_address, public_address

NEW_YORK = GeoLocation(country="United States", country_code="US", region="NY", region_name="New York", city="Albany")


@pytest.mark.parametrize("text", ["8.8.8.8", " 8.8.8.8 ", "2001:4860:4860::8888"])
def test_a_public_address_is_kept_as_written(text):
    """Only trimmed."""
    assert public_address(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "", "example.com", "8.8.8", "8.8.8.8.8", "8.8.8.8/32", "2130706433", "0x7f000001", "8.8.8.8?x",
        "[2001:4860::1]", "2001:4860:4860::8888%eth0",
    ],
)  # fmt: skip
def test_other_text_is_no_address(text):
    """Host names, shortened and decorated notations cannot be looked up."""
    assert not is_address(text)
    with pytest.raises(LocationUnknown):
        public_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1", "192.168.1.1", "172.16.5.4", "127.0.0.1", "169.254.169.254", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "100.64.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
    ],
)  # fmt: skip
def test_private_and_reserved_addresses_are_refused(text):
    """Nobody is located there, so nobody is asked."""
    assert is_address(text)
    with pytest.raises(LocationUnknown):
        public_address(text)


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (NEW_YORK, "Albany, New York, United States"),
        (GeoLocation(country="Malta"), "Malta"),
        (GeoLocation(city="X", country="Y"), "X, Y"),
        (GeoLocation(), ""),
    ],
)
def test_the_location_text_has_no_empty_parts(location, text):
    """Go wrote ", , Malta"."""
    assert location.text == text


@pytest.mark.parametrize("key", ["US", "us", "_u_s", " u s"])
def test_countries_match_in_every_stored_spelling(key):
    """As the web client mangled it, too."""
    assert NEW_YORK.in_country(key)


@pytest.mark.parametrize("key", ["New York", "new york", "_new _york", "US-NY", "us-ny", "_u_s-_n_y"])
def test_regions_match_by_name_or_code(key):
    """The region's name, or country and region code."""
    assert NEW_YORK.in_region(key)


@pytest.mark.parametrize("key", ["NY", "York", "US", "", "CA-NY"])
def test_other_regions_do_not_match(key):
    """No parts of names, no bare codes."""
    assert not NEW_YORK.in_region(key)


@pytest.mark.parametrize("key", ["", "_", "-"])
def test_an_unknown_location_matches_nothing(key):
    """An empty key is no wild card."""
    assert not GeoLocation().in_country(key)
    assert not GeoLocation().in_region(key)
