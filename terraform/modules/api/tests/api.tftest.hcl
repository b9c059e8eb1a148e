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
  environment       = {}
  vpc_id            = "vpc-1"
  public_subnet_ids = ["subnet-2", "subnet-3"]
  certificate_arn   = "arn:aws:acm:us-west-2:123456789012:certificate/c"
}

run "tls_1_2_at_least_and_nothing_but_the_balancer_reaches_the_tasks" {
  command = plan

  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && startswith(aws_lb_listener.https.ssl_policy, "ELBSecurityPolicy-TLS13-1-2")
    error_message = "No plain HTTP, no old TLS."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.tasks.cidr_ipv4 == null && aws_vpc_security_group_ingress_rule.tasks.from_port == 8080
    error_message = "Tasks are reached from the balancer's security group, not from addresses."
  }
}

run "the_balancer_looks_after_the_health_that_the_api_reports" {
  command = plan

  assert {
    condition     = aws_lb_target_group.this.health_check[0].path == "/healthz" && aws_lb_target_group.this.target_type == "ip"
    error_message = "Fargate tasks are targets by address."
  }
}

run "access_is_restricted_to_the_given_ranges" {
  command = plan
  variables { allowed_cidrs = ["203.0.113.0/24"] }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.https) == ["203.0.113.0/24"]
    error_message = "One rule per range, none for everybody."
  }
}

run "one_zone_is_refused" {
  command = plan
  variables { public_subnet_ids = ["subnet-2"] }
  expect_failures = [var.public_subnet_ids]
}

run "a_certificate_of_another_region_is_refused" {
  command = plan
  variables { certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/c" }
  expect_failures = [var.certificate_arn]
}

run "no_task_is_refused" {
  command = plan
  variables { tasks = 0 }
  expect_failures = [var.tasks]
}

run "what_is_no_range_is_refused" {
  command = plan
  variables { allowed_cidrs = ["office"] }
  expect_failures = [var.allowed_cidrs]
}
