output "name" {
  description = "Name of the ECS service."
  value       = module.service.name
}

output "environment" {
  description = "Environment of the container."
  value       = module.service.environment
}

output "dead_letter_queue_name" {
  description = "Queue of the records that can never be routed."
  value       = aws_sqs_queue.dead_letter.name
}

output "policy_json" {
  description = "What the router may do."
  value       = module.service.policy_json
}

output "task_definition_arn" {
  description = "Revision of the task definition that the service was given."
  value       = module.service.task_definition_arn
}
