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

output "executions_stream_arn" {
  description = "ARN of the stream that the router reads."
  value = (
    contains(keys(var.existing_tables), "executions")
    ? data.aws_dynamodb_table.existing["executions"].stream_arn
    : aws_dynamodb_table.this["executions"].stream_arn
  )
}

output "environment" {
  description = "What services have in their environment to find the tables."
  value       = { for table, name in local.names : upper("${table}_table") => name }
}
