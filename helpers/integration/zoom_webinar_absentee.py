"""zoom_webinar_absentee: tag registrants who did not attend."""

from __future__ import annotations

from pydantic import Field

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.errors import PermanentFailure
from helpers.integration.zoom_attendance import (
    AttendanceConfig,
    apply_tags,
    webinar_id_of,
    with_webinar_and_custom_tags,
)
from helpers.rules.config_types import LooseFlag
from helpers.services.zoom import Zoom


class Config(AttendanceConfig):
    """Which tags, and whether Zoom is asked first."""

    apply_no_show_tag: LooseFlag = Field(default=True, description="Apply '<prefix> No Show'.")
    apply_registered_tag: LooseFlag = Field(default=True, description="Apply '<prefix> Registered'.")
    verify_with_zoom: LooseFlag = Field(default=False, description="Tag only contacts on Zoom's list of absentees.")


class ZoomWebinarAbsentee(Helper[Config]):
    """Applies tags that exist; it makes none."""

    type = "zoom_webinar_absentee"
    name = "Zoom Webinar Absentee"
    category = "integration"
    description = "Tag registrants who did not attend a Zoom webinar."
    external = True
    # One page of a report may take 30 s.
    timeout_seconds = 300.0
    example = Example(
        config={"webinar_id": "91000"},
        crm={
            "contact": {"id": "c1", "email": "ada@example.com"},
            "tags": [{"id": "1", "name": "Webinar No Show"}, {"id": "2", "name": "Webinar Registered"}],
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, webinar_id = ctx.config, webinar_id_of(ctx)
        if config.verify_with_zoom and not await _was_absent(ctx, webinar_id):
            return HelperOutput.ok(
                "the contact is not on Zoom's list of absentees",
                modified_data={"tags_applied": 0, "status": "attended"},
            )
        wanted = []
        if config.apply_no_show_tag:
            wanted.append(f"{config.tag_prefix} No Show")
        if config.apply_registered_tag:
            wanted.append(f"{config.tag_prefix} Registered")
        actions = await apply_tags(ctx, with_webinar_and_custom_tags(ctx, wanted, webinar_id))
        return HelperOutput.ok(
            f"applied {len(actions)} tags", modified_data={"tags_applied": len(actions), "status": "no_show"},
            actions=actions,
        )  # fmt: skip


async def _was_absent(ctx: HelperContext[Config], webinar_id: str) -> bool:
    zoom = Zoom(ctx)
    email = ctx.contact.email.strip().casefold()
    if not webinar_id or not email:
        raise PermanentFailure("verify_with_zoom needs a webinar id and a contact with an e-mail address")
    async for registrant in zoom.absentees(webinar_id):
        if str(registrant.get("email", "")).strip().casefold() == email:
            return True
    return False
