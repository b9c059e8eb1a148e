output "name" {
  description = "Name of the ECS service."
  value       = module.service.name
}

output "dns_name" {
  description = "Name of the load balancer; point the API's name to it."
  value       = aws_lb.this.dns_name
}

output "environment" {
  description = "Environment of the container."
  value       = module.service.environment
}

output "policy_json" {
  description = "What the API may do."
  value       = module.service.policy_json
}

output "task_definition_arn" {
  description = "Revision of the task definition that the service was given."
  value       = module.service.task_definition_arn
}
