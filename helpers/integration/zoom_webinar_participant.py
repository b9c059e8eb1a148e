"""zoom_webinar_participant: tag attendees of a Zoom webinar by engagement."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from helpers.contract import Example, Helper, HelperContext, HelperOutput
from helpers.integration.zoom_attendance import (
    AttendanceConfig,
    apply_tags,
    webinar_id_of,
    with_webinar_and_custom_tags,
)
from helpers.rules.config_types import LooseFlag, Number, empty_is_default, to_number
from helpers.rules.event_data import lookup
from helpers.services.zoom import Attendance, Zoom

DURATION_TAGS = ((60, "60+ min"), (30, "30-60 min"), (15, "15-30 min"), (0, "<15 min"))


class Config(AttendanceConfig):
    """Which tags, and from what percentage on."""

    attended_percent: Annotated[Number, empty_is_default] = Field(
        default=0,
        ge=0,
        le=100,
        description="Percentage of the webinar attended, used where the input has none.",
        json_schema_extra={"minimum": 0, "maximum": 100},
    )
    duration_minutes: Annotated[Number, empty_is_default] = Field(
        default=0, description="Minutes attended, used where the input has none."
    )
    high_engagement_threshold: Annotated[Number, empty_is_default] = Field(
        default=75, description="Percent from which engagement is high."
    )
    medium_engagement_threshold: Annotated[Number, empty_is_default] = Field(
        default=50, description="Percent from which engagement is medium."
    )
    apply_attendance_tag: LooseFlag = Field(default=True, description="Apply '<prefix> Attended'.")
    apply_engagement_tags: LooseFlag = Field(default=True, description="Apply '<prefix> High|Medium|Low Engagement'.")
    apply_duration_tag: LooseFlag = Field(default=False, description="Apply '<prefix> Duration: ...'.")


class ZoomWebinarParticipant(Helper[Config]):
    """Figures that came with the execution win; without any, Zoom's report is asked."""

    type = "zoom_webinar_participant"
    name = "Zoom Webinar Participant"
    category = "integration"
    description = "Tag attendees of a Zoom webinar by engagement."
    external = True
    # One page of a report may take 30 s.
    timeout_seconds = 300.0
    example = Example(
        config={"webinar_id": "91000"},
        input={"attended_percent": 80, "duration_minutes": 48},
        crm={
            "contact": {"id": "c1", "email": "ada@example.com"},
            "tags": [{"id": "1", "name": "Webinar Attended"}, {"id": "2", "name": "Webinar High Engagement"}],
        },
    )

    async def execute(self, ctx: HelperContext[Config]) -> HelperOutput:
        config, webinar_id = ctx.config, webinar_id_of(ctx)
        attendance: Attendance | None = Attendance(
            percent=_figure(ctx, "attended_percent", config.attended_percent),
            minutes=_figure(ctx, "duration_minutes", config.duration_minutes),
        )
        zoom = Zoom.if_connected(ctx)
        if attendance == Attendance(0, 0) and webinar_id and zoom:
            attendance = await zoom.attendance(webinar_id, ctx.contact.email)
        if attendance is None:
            return _output(Attendance(0, 0), "none", actions=[])
        level = _level(config, attendance.percent)
        wanted = with_webinar_and_custom_tags(ctx, _attendance_tags(config, attendance, level), webinar_id)
        return _output(attendance, level, actions=await apply_tags(ctx, wanted))


def _output(attendance: Attendance, level: str, actions: list[Any]) -> HelperOutput:
    return HelperOutput.ok(
        f"applied {len(actions)} tags, engagement {level}",
        modified_data={
            "attended_percent": attendance.percent,
            "duration_minutes": attendance.minutes,
            "tags_applied": len(actions),
            "engagement_level": level,
        },
        actions=actions,
    )


def _figure(ctx: HelperContext[Config], key: str, configured: float) -> float:
    """The figure of this execution, else the configured one; text that is no number counts as absent."""
    try:
        return float(to_number(lookup(ctx, key, config_keys=())))
    except ValueError:
        return configured


def _level(config: Config, percent: float) -> str:
    if percent <= 0:
        return "none"
    if percent >= config.high_engagement_threshold:
        return "high"
    return "medium" if percent >= config.medium_engagement_threshold else "low"


def _attendance_tags(config: Config, attendance: Attendance, level: str) -> list[str]:
    names = []
    if config.apply_attendance_tag:
        names.append("Attended")
    if config.apply_engagement_tags and level != "none":
        names.append(f"{level.title()} Engagement")
    if config.apply_duration_tag and attendance.minutes > 0:
        names.append("Duration: " + next(text for least, text in DURATION_TAGS if attendance.minutes >= least))
    return [f"{config.tag_prefix} {name}" for name in names]
