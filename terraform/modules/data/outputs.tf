locals {
  arns = merge(
    { for table, resource in aws_dynamodb_table.this : table => resource.arn },
    { for table, found in data.aws_dynamodb_table.existing : table => found.arn },
  )
}

output "table_names" {
  description = "Name of each table, by table."
  value       = local.names
}

output "table_arns" {
  description = "ARN of each table, by table."
  value       = local.arns
}

output "environment" {
  description = "What services have in their environment to find the tables."
  value       = { for table, name in local.names : upper("${table}_table") => name }
}
