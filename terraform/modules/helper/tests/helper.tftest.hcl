mock_provider "aws" {}

variables {
  stage       = "dev"
  helper_type = "tag_it"
}

run "queue_and_parameter_names_are_the_fixed_ones" {
  command = plan

  assert {
    condition     = aws_sqs_queue.executions.name == "mfh-dev-tag-it-executions.fifo"
    error_message = "The queue's name is fixed: stored callers and the router's rights use it."
  }
  assert {
    condition     = aws_sqs_queue.dead_letter.name == "mfh-dev-tag-it-executions-dlq.fifo"
    error_message = "The dead-letter queue's name is fixed."
  }
  assert {
    condition     = aws_ssm_parameter.queue_url.name == "/mfh/dev/sqs/tag_it/queue-url"
    error_message = "Services find the queue by this parameter."
  }
  assert {
    condition = (
      aws_sqs_queue.executions.fifo_queue
      && aws_sqs_queue.executions.content_based_deduplication
      && aws_sqs_queue.executions.message_retention_seconds == 1209600
      && aws_sqs_queue.executions.visibility_timeout_seconds == 900
    )
    error_message = "FIFO, content-based deduplication, 14 days, 900 s."
  }
}

run "an_unreadable_helper_type_is_refused" {
  command = plan
  variables { helper_type = "Tag-It" }
  expect_failures = [var.helper_type]
}

run "a_name_that_does_not_fit_into_a_queue_name_is_refused" {
  command = plan
  variables { helper_type = "a_helper_type_with_a_name_that_is_far_too_long_for_a_queue" }
  expect_failures = [var.helper_type]
}

run "a_visibility_beyond_the_limit_of_sqs_is_refused" {
  command = plan
  variables { visibility_timeout_seconds = 43201 }
  expect_failures = [var.visibility_timeout_seconds]
}

run "few_receives_are_refused_because_releases_count_as_receives" {
  command = plan
  variables { max_receive_count = 3 }
  expect_failures = [var.max_receive_count]
}

run "an_alarm_on_an_age_that_no_message_reaches_is_refused" {
  command = plan
  variables { oldest_message_alarm_seconds = 1209600 }
  expect_failures = [var.oldest_message_alarm_seconds]
}
