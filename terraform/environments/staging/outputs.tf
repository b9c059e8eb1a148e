output "environments" {
  description = "Environment of each service's container, by service."
  value       = module.fleet.environments
}

output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = module.fleet.cluster_name
}

output "api_dns_name" {
  description = "Name of the API's load balancer; null without the API."
  value       = module.fleet.api_dns_name
}
