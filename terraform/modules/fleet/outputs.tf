output "environments" {
  description = "Environment of each service's container, by service."
  value = merge(
    { router = module.router.environment },
    { for worker in module.worker : worker.name => worker.environment },
    { for index, api in module.api : "api" => api.environment },
  )
}

output "task_definitions" {
  description = "Revision of the task definition that each service was given, by name of the service."
  value = {
    for service in concat([module.router], values(module.worker), module.api) : service.name => service.task_definition_arn
  }
}

output "tables" {
  description = "Table names, by table."
  value       = module.data.table_names
}

output "cluster_name" {
  description = "Name of the ECS cluster."
  value       = module.cluster.name
}

output "api_dns_name" {
  description = "Name of the API's load balancer."
  value       = one(module.api[*].dns_name)
}
