mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  stage      = "dev"
  name       = "router"
  image      = "repo@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  subnet_ids = ["subnet-1"]
  cluster = {
    arn                = "arn:aws:ecs:us-west-2:123456789012:cluster/mfh-dev"
    name               = "mfh-dev"
    execution_role_arn = "arn:aws:iam::123456789012:role/mfh-dev-execution"
    security_group_id  = "sg-1"
  }
  statements = {}
}

run "tasks_have_no_public_address_and_roll_back" {
  command = plan

  assert {
    condition     = !aws_ecs_service.this.network_configuration[0].assign_public_ip
    error_message = "Tasks stay in private subnets."
  }
  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "A broken image rolls back."
  }
  assert {
    condition     = aws_ecs_task_definition.this.skip_destroy
    error_message = "What is rolled back to stays registered."
  }
}

run "an_image_by_tag_is_refused" {
  command = plan
  variables { image = "repo:latest" }
  expect_failures = [var.image]
}

run "a_service_moves_between_fargate_and_spot_without_being_made_anew" {
  command = plan

  assert {
    condition     = aws_ecs_service.this.force_new_deployment
    error_message = "The provider replaces the service otherwise: https://github.com/hashicorp/terraform-provider-aws/issues/22408"
  }
}

run "a_name_that_is_too_long_for_a_role_is_refused" {
  command = plan
  variables {
    stage = "anextremelylongstage"
    name  = "worker-a-helper-with-a-name-like-a-sentence"
  }
  expect_failures = [var.name]
}

run "rights_that_iam_would_refuse_for_their_length_are_refused" {
  command = plan
  variables {
    statements = {
      Queues = { actions = ["sqs:ReceiveMessage"], resources = [for number in range(110) : "arn:aws:sqs:us-west-2:123456789012:mfh-dev-one-of-very-many-helper-types-${number}-executions.fifo"] }
    }
  }
  expect_failures = [var.statements]
}

run "half_gigabytes_are_refused" {
  command = plan
  variables { memory = 768 }
  expect_failures = [var.memory]
}

run "a_memory_that_fargate_does_not_sell_is_refused" {
  command = plan
  variables {
    cpu    = 1024
    memory = 512
  }
  expect_failures = [var.memory]
}
