output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Where tasks run."
  value       = aws_subnet.private[*].id
}

output "public_subnet_ids" {
  description = "Where a load balancer stands."
  value       = aws_subnet.public[*].id
}
