mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  stage  = "dev"
  vpc_id = "vpc-1"
}

run "task_counts_are_measured_and_both_capacities_are_there" {
  command = plan

  assert {
    condition     = [for setting in aws_ecs_cluster.this.setting : setting.value if setting.name == "containerInsights"] == ["enabled"]
    error_message = "Backlog per task needs RunningTaskCount, which Container Insights measures."
  }
  assert {
    condition     = aws_ecs_cluster_capacity_providers.this.capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "Services choose between on demand and Spot."
  }
}

run "tasks_go_out_by_the_ports_that_helpers_use_and_nobody_comes_in" {
  command = plan

  assert {
    condition     = toset([for rule in aws_vpc_security_group_egress_rule.tasks : "${rule.from_port}-${rule.to_port}"]) == toset(["80-80", "443-443", "465-465", "587-587"])
    error_message = "HTTPS, HTTP for webhooks and ip-api.com, SMTP servers of accounts."
  }
}

run "a_network_without_aws_is_refused" {
  command = plan
  variables { egress_ports = [8443] }
  expect_failures = [var.egress_ports]
}

run "the_execution_role_reads_images_of_the_fleet_and_writes_logs_of_its_stage" {
  command = plan

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.execution.statement : statement.resources if statement.sid != "RegistryLogin"
    ])) == toset(["arn:aws:ecr:us-west-2:123456789012:repository/mfh-*", "arn:aws:logs:us-west-2:123456789012:log-group:/mfh/dev/*"])
    error_message = "Not every image and log group of the account, as AWS's own policy has it."
  }
}

run "roles_are_bounded" {
  command = plan
  variables { permissions_boundary_arn = "arn:aws:iam::123456789012:policy/mfh-services" }

  assert {
    condition     = aws_iam_role.execution.permissions_boundary == "arn:aws:iam::123456789012:policy/mfh-services" && output.permissions_boundary_arn == "arn:aws:iam::123456789012:policy/mfh-services"
    error_message = "The boundary holds for the execution role and is handed to the services."
  }
}

run "an_empty_boundary_is_refused" {
  command = plan
  variables { permissions_boundary_arn = "" }
  expect_failures = [var.permissions_boundary_arn]
}
