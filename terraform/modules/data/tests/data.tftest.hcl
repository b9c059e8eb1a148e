mock_provider "aws" {
  mock_data "aws_dynamodb_table" {
    defaults = {
      arn                    = "arn:aws:dynamodb:us-west-2:123456789012:table/old-executions"
      stream_view_type       = "NEW_IMAGE"
      global_secondary_index = [{ name = "ScheduleIndex" }]
    }
  }
}

variables {
  stage = "dev"
}

run "all_eight_tables_are_made_and_the_executions_have_a_stream_and_an_expiry" {
  command = plan

  assert {
    condition     = length(aws_dynamodb_table.this) == 8
    error_message = "Six tables of the platform, leases and state."
  }
  assert {
    condition     = [for table, made in aws_dynamodb_table.this : table if made.stream_enabled == true] == ["executions"] && aws_dynamodb_table.this["executions"].stream_view_type == "NEW_IMAGE"
    error_message = "The executions table alone has a stream, of new images."
  }
  assert {
    condition     = [for table, made in aws_dynamodb_table.this : table if length(made.ttl) > 0] == ["executions", "state"]
    error_message = "Executions and state expire; nothing else does."
  }
  assert {
    condition     = aws_dynamodb_table.this["state"].name == "mfh-dev-helper-state" && aws_dynamodb_table.this["api_keys"].name == "mfh-dev-api-keys"
    error_message = "Table names are fixed."
  }
}

run "an_existing_table_is_used_and_not_made" {
  command = plan
  variables { existing_tables = { executions = "old-executions" } }

  assert {
    condition     = !contains(keys(aws_dynamodb_table.this), "executions") && length(aws_dynamodb_table.this) == 7
    error_message = "The existing table is left alone."
  }
  assert {
    condition     = output.environment["EXECUTIONS_TABLE"] == "old-executions" && output.table_arns["executions"] == "arn:aws:dynamodb:us-west-2:123456789012:table/old-executions"
    error_message = "Services get its name and rights on its ARN."
  }
}

run "an_existing_executions_table_without_new_images_is_refused" {
  command = plan
  variables { existing_tables = { executions = "old-executions" } }
  override_data {
    target = data.aws_dynamodb_table.existing["executions"]
    values = { stream_view_type = "KEYS_ONLY", global_secondary_index = [{ name = "ScheduleIndex" }] }
  }
  expect_failures = [data.aws_dynamodb_table.existing["executions"]]
}

run "an_existing_executions_table_without_the_schedule_index_is_refused" {
  command = plan
  variables { existing_tables = { executions = "old-executions" } }
  override_data {
    target = data.aws_dynamodb_table.existing["executions"]
    values = { stream_view_type = "NEW_IMAGE", global_secondary_index = [{ name = "AccountIdCreatedAtIndex" }] }
  }
  expect_failures = [data.aws_dynamodb_table.existing["executions"]]
}

run "a_misspelt_table_is_refused" {
  command = plan
  variables { existing_tables = { execution = "old-executions" } }
  expect_failures = [var.existing_tables]
}

run "protection_is_on_unless_it_is_turned_off" {
  command = plan

  assert {
    condition     = alltrue([for made in aws_dynamodb_table.this : made.deletion_protection_enabled && made.point_in_time_recovery[0].enabled])
    error_message = "Tables cannot be deleted, and can be put back to any second of 35 days."
  }
}

run "a_stage_that_does_not_fit_into_names_is_refused" {
  command = plan
  variables { stage = "Dev" }
  expect_failures = [var.stage]
}
