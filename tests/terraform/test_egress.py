"""Tasks may go where the code of the helpers goes."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.rules.geo import FREE_SERVICE
from helpers.services.smtp import PORTS
from tests.terraform.conftest import Terraform
from tests.terraform.plans import resources

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("terraform")]


@pytest.fixture
def open_ports(dev: Terraform) -> set[int]:
    rules: list[dict[str, Any]] = list(resources(dev.show(), "aws_vpc_security_group_egress_rule"))
    return {rule["from_port"] for rule in rules if rule["cidr_ipv4"] == "0.0.0.0/0"}


def test_default_ports_of_smtp_are_open(open_ports: set[int]) -> None:
    """mail_it delivers to the account's own server."""
    assert set(PORTS.values()) <= open_ports


def test_the_free_geo_service_is_reached(open_ports: set[int]) -> None:
    """Its free offer is plain HTTP; webhooks may be, too."""
    assert (80 if FREE_SERVICE.startswith("http://") else 443) in open_ports
    assert 443 in open_ports
