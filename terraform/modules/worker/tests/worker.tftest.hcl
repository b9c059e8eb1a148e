mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  stage      = "dev"
  name       = "tag-it"
  image      = "repo@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  subnet_ids = ["subnet-1"]
  cluster = {
    arn                = "arn:aws:ecs:us-west-2:123456789012:cluster/mfh-dev"
    name               = "mfh-dev"
    execution_role_arn = "arn:aws:iam::123456789012:role/mfh-dev-execution"
    security_group_id  = "sg-1"
  }
  table_arns = {
    for table in ["connections", "platform_connection_auths", "platforms", "helpers", "executions", "api_keys", "router_leases", "state"] :
    table => "arn:aws:dynamodb:us-west-2:123456789012:table/mfh-dev-${table}"
  }
  environment = {}
  queues = {
    tag_it = { queue_arn = "arn:aws:sqs:us-west-2:123456789012:q", queue_name = "q", dlq_arn = "arn:aws:sqs:us-west-2:123456789012:d" }
  }
  scaling = { min_tasks = 0, max_tasks = 5 }
}

run "a_dedicated_worker_starts_from_zero_and_stops_when_nothing_is_in_flight" {
  command = plan

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.start) == 1 && length(aws_appautoscaling_policy.backlog) == 1
    error_message = "0 -> 1 by step, then backlog per task."
  }
  assert {
    condition     = aws_appautoscaling_policy.backlog[0].target_tracking_scaling_policy_configuration[0].disable_scale_in
    error_message = "Target tracking knows nothing of messages in flight: it must not scale in."
  }
  assert {
    condition = contains(
      [for query in aws_cloudwatch_metric_alarm.stop[0].metric_query : query.expression if query.expression != null],
      "visible + FILL(in_flight, 0) + FILL(sent, 0)"
    )
    error_message = "Scale-in waits for messages in flight too, and for a minute in which none came; no data of them is zero."
  }
}

run "a_pool_may_not_scale_to_zero" {
  command = plan
  variables {
    queues = {
      tag_it  = { queue_arn = "arn:aws:sqs:us-west-2:123456789012:q", queue_name = "q", dlq_arn = "arn:aws:sqs:us-west-2:123456789012:d" }
      note_it = { queue_arn = "arn:aws:sqs:us-west-2:123456789012:n", queue_name = "n", dlq_arn = "arn:aws:sqs:us-west-2:123456789012:e" }
    }
  }
  expect_failures = [var.scaling]
}

run "a_pool_scales_by_its_own_work_and_cpu" {
  command = plan
  variables {
    scaling = { min_tasks = 1, max_tasks = 3 }
    queues = {
      tag_it  = { queue_arn = "arn:aws:sqs:us-west-2:123456789012:q", queue_name = "q", dlq_arn = "arn:aws:sqs:us-west-2:123456789012:d" }
      note_it = { queue_arn = "arn:aws:sqs:us-west-2:123456789012:n", queue_name = "n", dlq_arn = "arn:aws:sqs:us-west-2:123456789012:e" }
    }
  }
  assert {
    condition     = length(aws_appautoscaling_policy.cpu) == 1 && length(aws_appautoscaling_policy.busy) == 1 && length(aws_appautoscaling_policy.backlog) == 0
    error_message = "No single queue speaks for a pool."
  }
}

run "a_fixed_number_of_tasks_can_be_changed" {
  command = plan
  variables { scaling = { min_tasks = 3, max_tasks = 3 } }
  assert {
    condition = (
      aws_appautoscaling_target.this[0].min_capacity == 3
      && length(aws_appautoscaling_policy.backlog) + length(aws_appautoscaling_policy.stop) == 0
    )
    error_message = "An apply leaves desired_count alone, so the scaling's bounds must hold the number; there is nothing to scale between them."
  }
}

run "emulators_go_without_scaling" {
  command = plan
  variables { scaling = { enabled = false } }
  assert {
    condition     = length(aws_appautoscaling_target.this) == 0
    error_message = "enabled = false makes no scaling."
  }
}

run "the_start_adds_a_task_and_takes_none_back" {
  command = plan
  assert {
    condition     = aws_appautoscaling_policy.start[0].step_scaling_policy_configuration[0].adjustment_type == "ChangeInCapacity"
    error_message = "The alarm lasts until the first task runs; an exact capacity would undo what backlog-per-task added."
  }
}

run "tasks_below_the_minimum_are_refused" {
  command = plan
  variables { scaling = { min_tasks = 3, max_tasks = 2 } }
  expect_failures = [var.scaling]
}

run "a_sender_that_ses_would_refuse_is_refused" {
  command = plan
  variables {
    helper_resources = { mail_from = "helpers@example.com", mail_identities = ["example.org"] }
  }
  expect_failures = [var.helper_resources]
}

run "what_helpers_reach_is_in_the_environment" {
  command = plan
  variables {
    helper_resources = { artifacts_bucket = "files", mail_from = "helpers@example.com", mail_identities = ["example.com"] }
  }
  assert {
    condition     = output.environment["ARTIFACTS_BUCKET"] == "files" && output.environment["MAIL_FROM"] == "helpers@example.com"
    error_message = "Rights and environment come from one input."
  }
  assert {
    condition     = !contains(keys(output.environment), "USERS_TABLE") && !contains(keys(output.environment), "BACKUP_BUCKETS")
    error_message = "What is not given is not in the environment."
  }
}

run "only_keap_backup_gets_to_backups" {
  command = plan
  variables {
    helper_resources = {
      backup_buckets = ["backups-one", "backups-two"]
      backup_roles   = ["arn:aws:iam::*:role/mfh-backup"]
    }
  }
  assert {
    condition     = length(local.reach.backup_buckets) + length(local.reach.backup_roles) == 0
    error_message = "tag_it has nothing to do with backups."
  }
}

run "keap_backup_writes_to_the_buckets_and_assumes_the_roles" {
  command = plan
  variables {
    helper_resources = {
      backup_buckets = ["backups-one", "backups-two"]
      backup_roles   = ["arn:aws:iam::*:role/mfh-backup"]
    }
    queues = {
      keap_backup = { queue_arn = "arn:aws:sqs:us-west-2:123456789012:q", queue_name = "q", dlq_arn = "arn:aws:sqs:us-west-2:123456789012:d" }
    }
  }
  assert {
    condition     = output.environment["BACKUP_BUCKETS"] == "backups-one,backups-two"
    error_message = "The helper's allow-list is that of the policy."
  }
}
