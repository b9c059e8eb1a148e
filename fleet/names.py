"""The names that are fixed: provisioning and the services derive them here, Terraform repeats them."""

from __future__ import annotations


def table(stage: str, name: str) -> str:
    """``mfh-dev-executions``."""
    return f"mfh-{stage}-{name}"


def kebab(helper_type: str) -> str:
    """``tag_it`` -> ``tag-it``, as in queue, service and compose names."""
    return helper_type.replace("_", "-")


def queue(stage: str, helper_type: str) -> str:
    """The FIFO queue of a helper type: ``mfh-dev-tag-it-executions.fifo``."""
    return f"mfh-{stage}-{kebab(helper_type)}-executions.fifo"


def dead_letter_queue(stage: str, helper_type: str) -> str:
    """Its dead-letter queue: ``mfh-dev-tag-it-executions-dlq.fifo``."""
    return f"mfh-{stage}-{kebab(helper_type)}-executions-dlq.fifo"


def router_dead_letter_queue(stage: str) -> str:
    """Where stream records go that can never be routed: ``mfh-dev-router-dlq`` (a standard queue)."""
    return f"mfh-{stage}-router-dlq"


def queue_parameters(stage: str) -> str:
    """The SSM path under which every queue URL is found."""
    return f"/mfh/{stage}/sqs"


def queue_url_parameter(stage: str, helper_type: str) -> str:
    """SSM String with the queue URL of a helper type."""
    return f"{queue_parameters(stage)}/{helper_type}/queue-url"


def dead_letter_queue_url_parameter(stage: str, helper_type: str) -> str:
    """SSM String with the URL of the dead-letter queue of a helper type."""
    return f"{queue_parameters(stage)}/{helper_type}/dlq-url"


def router_dead_letter_queue_url_parameter(stage: str) -> str:
    """SSM String with the URL of the router's dead-letter queue."""
    return f"/mfh/{stage}/router/dlq-url"


def control_parameters(stage: str) -> str:
    """The SSM path of the control documents."""
    return f"/mfh/{stage}/control"


def control_parameter(stage: str, helper_type: str) -> str:
    """SSM String with the control document of a helper type: ``{"paused": false, "concurrency": 20}``."""
    return f"{control_parameters(stage)}/{helper_type}"


def secrets_parameter(stage: str) -> str:
    """SSM SecureString with the platform secrets (JSON)."""
    return f"/myfusionhelper/{stage}/secrets"
