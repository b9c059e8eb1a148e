# GitHub's workflows prove who they are with a token of GitHub's own (OIDC); there are no keys. Who may take which role:
#   mfh-plan          pull requests: reads settings of resources and states, no data, no secrets
#   mfh-images        the main branch: pushes images
#   mfh-deploy-STAGE  the GitHub environment STAGE, with whatever approvals it asks for
locals {
  github   = "token.actions.githubusercontent.com"
  provider = var.existing_oidc_provider_arn == null ? one(aws_iam_openid_connect_provider.github[*].arn) : var.existing_oidc_provider_arn
  subjects = merge(
    {
      plan   = "repo:${var.github_repository}:pull_request"
      images = "repo:${var.github_repository}:ref:refs/heads/main"
    },
    { for stage in var.stages : "deploy-${stage}" => "repo:${var.github_repository}:environment:${stage}" },
  )
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.existing_oidc_provider_arn == null ? 1 : 0

  url            = "https://${local.github}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "trust" {
  for_each = local.subjects

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [local.provider]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.github}:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.github}:sub"
      values   = [each.value]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.subjects

  name                 = "mfh-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  max_session_duration = 7200
}

resource "aws_iam_role_policy" "read" {
  for_each = { for name in keys(local.subjects) : name => name if name != "images" }

  name   = "read"
  role   = aws_iam_role.this[each.key].name
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_role_policy" "images" {
  name   = "images"
  role   = aws_iam_role.this["images"].name
  policy = data.aws_iam_policy_document.images.json
}

resource "aws_iam_role_policy" "deploy" {
  for_each = var.stages

  name   = "deploy"
  role   = aws_iam_role.this["deploy-${each.key}"].name
  policy = data.aws_iam_policy_document.deploy[each.key].json
}

# What any role of the fleet can be given at most. Without it whoever may make roles may make himself an administrator.
resource "aws_iam_policy" "services" {
  name        = "mfh-services"
  description = "Boundary of the roles of the helper fleet's services"
  policy      = data.aws_iam_policy_document.services.json
}
