output "environments" {
  description = "Environment of each service's container, by service."
  value       = module.fleet.environments
}

output "task_definitions" {
  description = "Revision of the task definition that each service was given, by name of the service."
  value       = module.fleet.task_definitions
}

output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = module.fleet.cluster_name
}

output "api_dns_name" {
  description = "Name of the API's load balancer; null without the API."
  value       = module.fleet.api_dns_name
}
