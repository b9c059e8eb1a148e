output "state_bucket" {
  description = "STATE_BUCKET of the repository: where every environment keeps its state."
  value       = aws_s3_bucket.state.id
}

output "plan_role_arn" {
  description = "PLAN_ROLE_ARN of the repository."
  value       = aws_iam_role.this["plan"].arn
}

output "images_role_arn" {
  description = "IMAGES_ROLE_ARN of the repository."
  value       = aws_iam_role.this["images"].arn
}

output "permissions_boundary_arn" {
  description = "PERMISSIONS_BOUNDARY_ARN of the repository."
  value       = aws_iam_policy.services.arn
}

output "deploy_role_arns" {
  description = "AWS_ROLE_ARN of each GitHub environment."
  value       = { for stage in var.stages : stage => aws_iam_role.this["deploy-${stage}"].arn }
}

output "repository_urls" {
  description = "Where images are pushed to, by image."
  value       = { for image, repository in aws_ecr_repository.this : image => repository.repository_url }
}
