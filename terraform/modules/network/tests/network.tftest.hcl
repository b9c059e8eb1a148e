mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-west-2d", "us-west-2a", "us-west-2c", "us-west-2b"] }
  }
}

variables {
  stage = "dev"
}

run "private_subnets_in_two_zones_share_one_nat_gateway" {
  command = plan

  assert {
    condition     = aws_subnet.private[*].availability_zone == ["us-west-2a", "us-west-2b"]
    error_message = "The first zones by name, whatever the order of AWS's answer."
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.private) == 2
    error_message = "One NAT gateway, which both zones use."
  }
  assert {
    condition     = alltrue([for subnet in concat(aws_subnet.private, aws_subnet.public) : !coalesce(subnet.map_public_ip_on_launch, false)])
    error_message = "Nothing gets a public address by itself."
  }
}

run "subnets_do_not_overlap" {
  command = plan
  variables { zones = 4 }

  assert {
    condition     = length(distinct(concat(aws_subnet.private[*].cidr_block, aws_subnet.public[*].cidr_block))) == 8
    error_message = "Each subnet has a range of its own."
  }
  assert {
    condition     = aws_subnet.private[3].cidr_block == "10.40.48.0/20" && aws_subnet.public[0].cidr_block == "10.40.240.0/24"
    error_message = "Private ranges end at 10.40.63.255, public ones start at 10.40.240.0."
  }
}

run "each_zone_can_have_its_own_nat_gateway" {
  command = plan
  variables { single_nat_gateway = false }

  assert {
    condition     = length(aws_nat_gateway.this) == 2
    error_message = "An outage of one zone leaves the other its way out."
  }
}

run "gateway_endpoints_are_always_there_and_interface_endpoints_on_demand" {
  command = plan
  variables { interface_endpoints = ["sqs"] }

  assert {
    condition     = toset([for endpoint in aws_vpc_endpoint.gateway : endpoint.service_name]) == toset(["com.amazonaws.us-west-2.dynamodb", "com.amazonaws.us-west-2.s3"])
    error_message = "DynamoDB and S3 do not pay for the NAT gateway."
  }
  assert {
    condition     = aws_vpc_endpoint.interface["sqs"].service_name == "com.amazonaws.us-west-2.sqs" && aws_vpc_endpoint.interface["sqs"].private_dns_enabled
    error_message = "Clients find the endpoint by SQS's own name."
  }
}

run "an_interface_endpoint_where_a_gateway_endpoint_is_free_is_refused" {
  command = plan
  variables { interface_endpoints = ["dynamodb"] }
  expect_failures = [var.interface_endpoints]
}

run "a_range_that_is_no_16_is_refused" {
  command = plan
  variables { cidr = "10.40.0.0/20" }
  expect_failures = [var.cidr]
}

run "one_zone_is_refused" {
  command = plan
  variables { zones = 1 }
  expect_failures = [var.zones]
}
