"""webinar_jam: register the contact for a WebinarJam session."""

from __future__ import annotations

from helpers.integration.webinar_registration import WebinarRegistration, example
from helpers.services.webinarjam import WebinarJam as WebinarJamClient


class WebinarJam(WebinarRegistration):
    """The rules are those of WebinarRegistration."""

    type = "webinar_jam"
    name = "WebinarJam"
    description = "Register the contact for a WebinarJam session."
    client = WebinarJamClient
    example = example("webinarjam", "/webinarjam")
