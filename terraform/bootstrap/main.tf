# What must be there before a workflow can deploy: a bucket for states, repositories for images. Roles are in roles.tf.
data "aws_caller_identity" "current" {}

locals {
  account      = data.aws_caller_identity.current.account_id
  here         = "${var.region}:${local.account}"
  repositories = toset(["worker", "router", "api"])
}

resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_18:Access logs would need a second bucket; CloudTrail data events are the account's choice.
  #checkov:skip=CKV_AWS_144:A lost region takes the fleet with it, and versions keep every state.
  #checkov:skip=CKV_AWS_145:SSE-S3; a state holds names and digests, no secrets.
  #checkov:skip=CKV2_AWS_62:Nobody waits for a change of a state.
  bucket = var.state_bucket

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket = aws_s3_bucket.state.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    id     = "earlier-states"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.state]
}

data "aws_iam_policy_document" "tls_only" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = data.aws_iam_policy_document.tls_only.json

  depends_on = [aws_s3_bucket_public_access_block.state]
}

# One set for all stages of the account: what dev ran is what prod gets, by the same digest.
resource "aws_ecr_repository" "this" {
  #checkov:skip=CKV_AWS_136:AES-256 by AWS; images hold no secrets.
  for_each = local.repositories

  name                 = "mfh-${each.key}"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = local.repositories

  repository = aws_ecr_repository.this[each.key].name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "The newest thousand: a deployment is an index, two images and two attestations"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 1000 }
      action       = { type = "expire" }
    }]
  })
}
