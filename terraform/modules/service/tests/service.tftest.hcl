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
}

run "an_image_by_tag_is_refused" {
  command = plan
  variables { image = "repo:latest" }
  expect_failures = [var.image]
}

run "a_memory_that_fargate_does_not_sell_is_refused" {
  command = plan
  variables {
    cpu    = 1024
    memory = 512
  }
  expect_failures = [var.memory]
}
