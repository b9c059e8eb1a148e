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
}

run "names_of_the_dead_letter_queue_are_the_fixed_ones" {
  command = plan

  assert {
    condition     = aws_sqs_queue.dead_letter.name == "mfh-dev-router-dlq" && aws_ssm_parameter.dead_letter.name == "/mfh/dev/router/dlq-url"
    error_message = "The router finds its dead-letter queue by this parameter."
  }
}

run "a_record_in_the_dead_letter_queue_is_an_alarm" {
  command = plan
  variables { alarm_topic_arns = ["arn:aws:sns:us-west-2:123456789012:mfh-dev-alarms"] }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.dead_letters.dimensions["QueueName"] == "mfh-dev-router-dlq"
      && aws_cloudwatch_metric_alarm.dead_letters.alarm_actions == toset(["arn:aws:sns:us-west-2:123456789012:mfh-dev-alarms"])
    )
    error_message = "As long as it waits there, not only in the minute in which it came."
  }
}

run "no_router_is_refused" {
  command = plan
  variables { tasks = 0 }
  expect_failures = [var.tasks]
}

run "an_unbounded_number_of_routers_is_refused" {
  command = plan
  variables { tasks = 11 }
  expect_failures = [var.tasks]
}
