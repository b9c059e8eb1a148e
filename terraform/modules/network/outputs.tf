output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Where tasks run."
  value       = aws_subnet.private[*].id

  # A task that starts before the way out is there pulls no image, and the circuit breaker gives up the service.
  depends_on = [
    aws_route.private, aws_route_table_association.private, aws_route_table_association.public, aws_route.public,
    aws_vpc_endpoint.gateway, aws_vpc_endpoint.interface, aws_vpc_security_group_ingress_rule.endpoints,
  ]
}

output "public_subnet_ids" {
  description = "Where a load balancer stands."
  value       = aws_subnet.public[*].id

  # AWS refuses a load balancer in a VPC that has no gateway yet.
  depends_on = [aws_route.public, aws_route_table_association.public]
}
