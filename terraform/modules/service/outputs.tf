output "name" {
  description = "Name of the ECS service."
  value       = aws_ecs_service.this.name
}

output "environment" {
  description = "Environment of the container, as in the task definition."
  value       = local.environment
}

output "task_role_name" {
  description = "Role of the task."
  value       = aws_iam_role.task.name
}

output "log_group_name" {
  description = "Log group of the service."
  value       = aws_cloudwatch_log_group.this.name
}

output "policy_json" {
  description = "What the service may do."
  value       = data.aws_iam_policy_document.task.json
}

output "task_definition_arn" {
  description = "Revision of the task definition that the service was given."
  value       = aws_ecs_task_definition.this.arn
}
