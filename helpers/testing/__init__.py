"""The public test kit: run one helper without AWS, network or real sleep.

run = await run_helper("tag_it", {"action": "apply", "tag_ids": ["77"]}, crm={"contact": {"id": "c1"}})
assert run.output.success
assert run.crm.tags_of("c1") == {"77"}
"""

from helpers.testing.kit import HelperRun, run_helper
from helpers.testing.sandbox_crm import SandboxCRM

__all__ = ["HelperRun", "SandboxCRM", "run_helper"]
