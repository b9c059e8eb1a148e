output "arn" {
  description = "ARN of the ECS cluster."
  value       = aws_ecs_cluster.this.arn

  # A service is refused while its capacity provider is not there, and a provider stays while a service uses it.
  depends_on = [aws_ecs_cluster_capacity_providers.this]
}

output "name" {
  description = "Name of the ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "execution_role_arn" {
  description = "Role that pulls images and writes logs."
  value       = aws_iam_role.execution.arn

  # Without its rights a task starts no container.
  depends_on = [aws_iam_role_policy.execution]
}

output "security_group_id" {
  description = "Security group of the tasks."
  value       = aws_security_group.tasks.id

  depends_on = [aws_vpc_security_group_egress_rule.tasks]
}

output "permissions_boundary_arn" {
  description = "Boundary of the services' roles; null = none."
  value       = var.permissions_boundary_arn
}
