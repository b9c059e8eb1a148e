"""The config of hook_it: one mode, and the keys of all five."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from helpers.contract import HelperConfig
from helpers.integration.hook_delivery import DeliveryConfig
from helpers.integration.hook_payload import FieldTransform, PayloadRule
from helpers.rules.config_types import LooseFlag, OptionalText, WholeNumber, blank_is_default, empty_is_default
from helpers.rules.templates import has_placeholder_before_path


class ResponseMapping(HelperConfig):
    """A value of the answer for a contact field; an incomplete entry is skipped."""

    response_field: OptionalText = Field(default=None, description="Dotted path into the JSON answer.")
    crm_field: OptionalText = Field(default=None, description="Contact field.")


class BatchWebhook(HelperConfig):
    """One webhook of a batch; an entry without URL is skipped."""

    url: OptionalText = Field(default=None, description="Target; {{key}} after the host.")
    method: Annotated[Literal["GET", "POST", "PUT", "PATCH"], blank_is_default] = Field(
        default="POST", description="HTTP method."
    )


class Config(DeliveryConfig):
    """The mode and its settings."""

    mode: Annotated[Literal["basic", "v2", "v3", "v4", "by_tag"], blank_is_default] = Field(
        default="basic", description="What the helper does."
    )
    hook_action: OptionalText = Field(default=None, description="basic: event name.")
    goal_prefix: OptionalText = Field(default=None, description="basic: replaces the default goal's stem.")
    actions: Annotated[list[Any], empty_is_default] = Field(
        default=[], description="basic: [{event, goal_name}]; an entry that is incomplete or no object is skipped."
    )
    webhook_url: OptionalText = Field(default=None, description="Target; {{key}} after the host.")
    webhook_method: Annotated[Literal["GET", "POST", "PUT", "PATCH", "DELETE"], blank_is_default] = Field(
        default="POST", description="HTTP method."
    )
    parse_response: Annotated[LooseFlag, blank_is_default] = Field(
        default=False, description="v2, and v4 without a batch: use the answer."
    )
    response_mappings: Annotated[list[ResponseMapping], empty_is_default] = Field(
        default=[], description="Answer -> contact fields, with parse_response."
    )
    conditional_payload: Annotated[LooseFlag, blank_is_default] = Field(default=False, description="v3: use the rules.")
    payload_rules: Annotated[list[PayloadRule], empty_is_default] = Field(default=[], description="v3: first one wins.")
    field_transforms: Annotated[list[FieldTransform], empty_is_default] = Field(default=[], description="v3.")
    batch_webhooks: Annotated[list[BatchWebhook], empty_is_default] = Field(default=[], description="v4: all called.")
    async_execution: Annotated[LooseFlag, blank_is_default] = Field(default=False, description="v4: changes nothing.")
    rate_limit_enabled: Annotated[LooseFlag, blank_is_default] = Field(default=False, description="v4: limit the rate.")
    rate_limit_rpm: Annotated[WholeNumber, blank_is_default] = Field(
        default=60, description="v4: runs a minute, between 1 and 1000."
    )
    tag_event: Annotated[Literal["tag_applied", "tag_removed", "any"] | None, blank_is_default] = Field(
        default=None, description="by_tag: event that counts."
    )
    tag_ids: Annotated[list[str | int], empty_is_default] = Field(default=[], description="by_tag: empty = every tag.")
    tag_action_goal: OptionalText = Field(default=None, description="by_tag: goal to achieve.")
    tag_action_webhook: OptionalText = Field(default=None, description="by_tag: webhook to call.")

    @property
    def has_url(self) -> bool:
        """Whether webhook_url holds something."""
        return bool(self.webhook_url and self.webhook_url.strip())

    @property
    def urls(self) -> list[str]:
        """Every webhook URL that the mode uses."""
        if self.mode == "by_tag":
            return [self.tag_action_webhook] if self.tag_action_webhook else []
        if self.mode == "basic":
            return []
        batch = [entry.url for entry in self.batch_webhooks if entry.url] if self.mode == "v4" else []
        return [*batch, *([self.webhook_url] if self.webhook_url else [])]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.mode in ("v2", "v3") and not self.has_url:
            raise ValueError(f"webhook_url: mode {self.mode} needs the URL of the webhook")
        if self.mode == "v4" and not self.has_url and not self.batch_webhooks:
            raise ValueError("webhook_url: mode v4 needs a URL, or batch_webhooks")
        if self.mode == "by_tag":
            if self.tag_event is None:
                raise ValueError("tag_event: write tag_applied, tag_removed or any")
            if not self.tag_action_goal and not self.tag_action_webhook:
                raise ValueError("tag_action_goal: write a goal, or a webhook in tag_action_webhook")
        if self.urls and self.missing_secret:
            raise ValueError(f"{self.missing_secret}: authentication {self.auth_type} needs it")
        if any(has_placeholder_before_path(url) for url in self.urls):
            raise ValueError("webhook_url: {{...}} may stand after the host only, never in scheme, host or port")
        return self
