mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-west-2a", "us-west-2b"] }
  }
}

variables {
  stage          = "dev"
  inventory_path = "tests/inventory.json"
  images = {
    worker = "w@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    router = "r@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    api    = "a@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }
}

run "every_type_has_queues_and_an_idle_fleet_has_a_task_per_category" {
  command = plan

  assert {
    condition     = keys(module.helper) == ["copy_it", "move_it", "tag_it"]
    error_message = "Queues for each type of the inventory."
  }
  assert {
    condition     = keys(module.worker) == ["pool-contact", "pool-tagging"]
    error_message = "Pools by category, no service per type."
  }
  assert {
    condition     = module.worker["pool-contact"].environment["HELPER_TYPE"] == "copy_it,move_it"
    error_message = "A pool serves every type of its category."
  }
  assert {
    condition     = length(module.api) == 0
    error_message = "No API unless it is asked for."
  }
}

run "a_dedicated_type_leaves_its_pool" {
  command = plan
  variables {
    helper_overrides = { copy_it = { dedicated = true, concurrency = 50 }, tag_it = { dedicated = true } }
  }

  assert {
    condition     = keys(module.worker) == ["copy-it", "pool-contact", "tag-it"]
    error_message = "The pool of a category whose types are all dedicated is gone."
  }
  assert {
    condition     = module.worker["pool-contact"].environment["HELPER_TYPE"] == "move_it" && module.worker["copy-it"].environment["HELPER_TYPE"] == "copy_it"
    error_message = "One of the two serves a type, not both."
  }
  assert {
    condition     = module.worker["copy-it"].environment["WORKER_CONCURRENCY"] == "50" && module.worker["tag-it"].environment["WORKER_CONCURRENCY"] == "20"
    error_message = "What an override does not say has its default."
  }
}

run "the_pool_s_shape_reaches_its_tasks" {
  command = plan
  variables { pool = { concurrency = 80, max_attempts = 5 } }

  assert {
    condition     = module.worker["pool-contact"].environment["WORKER_CONCURRENCY"] == "80" && module.worker["pool-contact"].environment["WORKER_MAX_ATTEMPTS"] == "5"
    error_message = "Concurrency and attempts are the pool's."
  }
}

run "an_existing_network_is_used_and_none_is_made" {
  command = plan
  variables { existing_network = { vpc_id = "vpc-1", private_subnet_ids = ["subnet-1"] } }

  assert {
    condition     = length(module.network) == 0
    error_message = "No VPC beside the one that is given."
  }
}

run "a_misspelt_helper_type_is_refused" {
  command = plan
  variables { helper_overrides = { tag-it = { dedicated = true } } }
  expect_failures = [var.helper_overrides]
}

run "a_shape_without_a_service_of_its_own_is_refused" {
  command = plan
  variables { helper_overrides = { tag_it = { concurrency = 50 } } }
  expect_failures = [var.helper_overrides]
}

run "queue_settings_hold_for_a_pooled_type_too" {
  command = plan
  variables { helper_overrides = { tag_it = { visibility_timeout_seconds = 1800, oldest_message_alarm_seconds = 60 } } }

  assert {
    condition     = keys(module.worker) == ["pool-contact", "pool-tagging"]
    error_message = "They make no service."
  }
}
