mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  github_repository = "acme/helpers"
  state_bucket      = "acme-mfh-state"
}

run "images_cannot_be_replaced_and_are_scanned" {
  command = plan

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push])
    error_message = "A tag is a commit."
  }
  assert {
    condition     = toset([for repository in aws_ecr_repository.this : repository.name]) == toset(["mfh-worker", "mfh-router", "mfh-api"])
    error_message = "The names that the deploy workflow pushes to."
  }
}

run "states_are_kept_and_closed" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "A broken state can be put back."
  }
  assert {
    condition     = aws_s3_bucket_public_access_block.state.block_public_policy && aws_s3_bucket_public_access_block.state.restrict_public_buckets
    error_message = "Nobody outside reads a state."
  }
}

run "an_identity_provider_that_is_there_is_used" {
  command = plan
  variables { existing_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "An account can have one only."
  }
}

run "another_identity_provider_is_refused" {
  command = plan
  variables { existing_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/gitlab.com" }
  expect_failures = [var.existing_oidc_provider_arn]
}

run "a_url_instead_of_a_repository_is_refused" {
  command = plan
  variables { github_repository = "https://github.com/acme/helpers" }
  expect_failures = [var.github_repository]
}

run "a_stage_that_would_take_the_name_of_a_role_is_refused" {
  command = plan
  variables { stages = ["dev", "plan"] }
  expect_failures = [var.stages]
}

run "a_bucket_name_that_s3_would_refuse_is_refused" {
  command = plan
  variables { state_bucket = "Acme_State" }
  expect_failures = [var.state_bucket]
}
