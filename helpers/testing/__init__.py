"""The helper test kit: one run of one helper, without AWS, network or real time.

run = await run_helper("tag_it", {"action": "apply", "tag_ids": ["77"]}, crm={"contact": {"id": "c1"}})
assert run.output.success and run.crm.tags_of("c1") == {"77"}
"""

from helpers.testing.run import HelperRun, run_helper
from helpers.testing.sandbox import SandboxCRM

__all__ = ["HelperRun", "SandboxCRM", "run_helper"]
