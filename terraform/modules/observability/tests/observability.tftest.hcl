mock_provider "aws" {}

variables {
  stage = "dev"
}

run "silence_of_the_router_is_an_alarm" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.router_silent.treat_missing_data == "breaching"
    error_message = "No data means that no router is there."
  }
}

run "levels_are_in_the_units_of_their_metrics" {
  command = plan
  variables { iterator_age_alarm_seconds = 90 }

  assert {
    condition     = aws_cloudwatch_metric_alarm.router["router-iterator-age"].threshold == 90000
    error_message = "IteratorAge is in milliseconds."
  }
}

run "a_percentile_is_an_extended_statistic" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.router["router-schedule-late"].extended_statistic == "p99" && aws_cloudwatch_metric_alarm.router["router-schedule-late"].statistic == null
    error_message = "CloudWatch takes one of the two."
  }
}

run "every_address_gets_the_alarms" {
  command = plan
  variables { alarm_emails = ["ops@example.com", "dev@example.com"] }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 2
    error_message = "A subscription for each address."
  }
}

run "the_topic_is_encrypted_with_the_key_that_is_given" {
  command = plan
  variables { kms_key_arn = "arn:aws:kms:us-west-2:123456789012:key/k" }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == "arn:aws:kms:us-west-2:123456789012:key/k"
    error_message = "Never with AWS's own key, which CloudWatch may not use."
  }
}

run "a_share_above_100_percent_is_refused" {
  command = plan
  variables { failed_percent_alarm = 101 }
  expect_failures = [var.failed_percent_alarm]
}

run "an_age_beyond_the_life_of_a_stream_record_is_refused" {
  command = plan
  variables { iterator_age_alarm_seconds = 90000 }
  expect_failures = [var.iterator_age_alarm_seconds]
}

run "what_is_no_address_is_refused" {
  command = plan
  variables { alarm_emails = ["ops"] }
  expect_failures = [var.alarm_emails]
}
