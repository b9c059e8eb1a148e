output "name" {
  description = "Name of the ECS service."
  value       = module.service.name
}

output "environment" {
  description = "Environment of the container."
  value       = module.service.environment
}

output "policy_json" {
  description = "What the worker may do."
  value       = module.service.policy_json
}
