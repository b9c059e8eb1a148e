"""everwebinar: register the contact for an EverWebinar session."""

from __future__ import annotations

from helpers.integration.webinar_registration import WebinarRegistration, example
from helpers.services.webinarjam import EverWebinar as EverWebinarClient


class EverWebinar(WebinarRegistration):
    """The rules are those of WebinarRegistration."""

    type = "everwebinar"
    name = "EverWebinar"
    description = "Register the contact for an EverWebinar session."
    client = EverWebinarClient
    example = example("everwebinar", "/everwebinar")
