output "environments" {
  description = "Environment of each service's container, by service."
  value       = module.fleet.environments
}

output "repository_urls" {
  description = "Where images are pushed to."
  value       = module.fleet.repository_urls
}

output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = module.fleet.cluster_name
}

output "api_dns_name" {
  description = "Name of the API's load balancer; null without the API."
  value       = module.fleet.api_dns_name
}
