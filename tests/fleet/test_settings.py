"""Settings: read from the environment, checked at start, named in every refusal."""

from __future__ import annotations

import pytest

from fleet.helper_settings import HelperRuntimeSettings
from fleet.settings import FleetSettings, SettingsRefused
from helpers.ports import HelperSettings, OAuthClient


def test_names_follow_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table and parameter has the default name of its stage."""
    monkeypatch.setenv("STAGE", "prod")

    settings = FleetSettings.from_environment()

    assert settings.executions_table == "mfh-prod-executions"
    assert settings.platform_connection_auths_table == "mfh-prod-platform-connection-auths"
    assert settings.internal_secrets_param == "/myfusionhelper/prod/secrets"
    assert settings.aws_region == "us-west-2"
    assert settings.aws_endpoint_url is None


def test_stored_names_win_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of the earlier platform keep their names; an empty variable counts as unset."""
    monkeypatch.setenv("EXECUTIONS_TABLE", "legacy-executions")
    monkeypatch.setenv("HELPERS_TABLE", "")

    settings = FleetSettings.from_environment()

    assert settings.executions_table == "legacy-executions"
    assert settings.helpers_table == "mfh-dev-helpers"


@pytest.mark.parametrize(
    ("variable", "value"), [("STAGE", "Prod!"), ("HEALTH_PORT", "70000"), ("HEALTH_PORT", "x"), ("LOG_LEVEL", "loud")]
)
def test_a_refusal_names_the_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """And does not quote its value, which may be a secret."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsRefused) as refused:
        FleetSettings.from_environment()

    assert refused.value.problems[0].field == variable
    assert value not in str(refused.value)


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blanks around the entries do not count."""
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example, 10.0.0.0/8 ,")
    monkeypatch.setenv("BACKUP_BUCKETS", "")

    settings = HelperRuntimeSettings.from_environment()

    assert settings.allowed_hosts == ("a.example", "10.0.0.0/8")
    assert settings.backup_buckets == ()


def test_helpers_see_platform_secrets_and_limits() -> None:
    """From the secrets document; a section that is missing is empty."""
    settings = HelperRuntimeSettings(chain_max_depth=3, allow_private_targets=True)

    seen = settings.helper_settings({"jwt": {"secret": "s"}, "klean13": {"api_key": "k"}, "ip_api": {}}, {})

    assert (seen.jwt_secret, seen.klean13_api_key, seen.ip_api_key) == ("s", "k", "")
    assert (seen.chain_max_depth, seen.allow_private_targets) == (3, True)


def test_an_operator_can_set_whatever_helpers_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting of a helper comes from a variable, the secrets document or the OAuth clients."""
    variables = {
        "ALLOW_PRIVATE_TARGETS": "true", "ALLOWED_HOSTS": "10.0.0.1", "CHAIN_MAX_DEPTH": "7", "APP_URL": "https://a.example",
        "GEOIP_DATABASE": "/geo.mmdb", "FACEBOOK_API_VERSION": "v30.0", "BACKUP_BUCKETS": "backups",
        "UPLOAD_ROOTS": "/files, /more", "SEARCH_SCAN_LIMIT": "5", "USER_AGENT": "Own/2.0",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    sections = {section: {"api_key": "k", "secret": "k"} for section in ("jwt", "ip_api", "google_maps", "klean13")}

    seen = HelperRuntimeSettings.from_environment().helper_settings(sections, {"keap": OAuthClient(client_id="c")})

    assert seen.upload_roots == ("/files", "/more")
    assert [name for name, value in seen if value == getattr(HelperSettings(), name)] == []
