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
