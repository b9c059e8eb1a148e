data "aws_caller_identity" "current" {}

locals {
  account    = data.aws_caller_identity.current.account_id
  parameters = "arn:aws:ssm:${var.region}:${local.account}:parameter"
}

# A standard queue: records that can never be routed have no order to keep.
resource "aws_sqs_queue" "dead_letter" {
  name                              = "mfh-${var.stage}-router-dlq"
  message_retention_seconds         = 1209600
  visibility_timeout_seconds        = 900
  sqs_managed_sse_enabled           = var.kms_key_arn == null ? true : null
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 3600
  tags                              = var.tags
}

resource "aws_ssm_parameter" "dead_letter" {
  name  = "/mfh/${var.stage}/router/dlq-url"
  type  = "String"
  value = aws_sqs_queue.dead_letter.url
  tags  = var.tags
}

module "service" {
  source = "../service"

  stage         = var.stage
  name          = "router"
  region        = var.region
  image         = var.image
  cluster       = var.cluster
  subnet_ids    = var.subnet_ids
  cpu           = var.cpu
  memory        = var.memory
  architecture  = var.architecture
  desired_count = var.tasks
  kms_key_arn   = var.kms_key_arn
  environment   = var.environment
  tags          = var.tags

  statements = merge({
    Stream = {
      actions   = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
      resources = [var.executions_stream_arn]
    }
    ListStreams = {
      actions   = ["dynamodb:ListStreams", "dynamodb:DescribeTable"]
      resources = [var.table_arns["executions"], "${var.table_arns["executions"]}/stream/*"]
    }
    Leases = {
      actions = [
        "dynamodb:Scan", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
      ]
      resources = [var.table_arns["router_leases"]]
    }
    Executions = {
      actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
      resources = [var.table_arns["executions"]]
    }
    Schedule = {
      actions   = ["dynamodb:Query"]
      resources = ["${var.table_arns["executions"]}/index/ScheduleIndex"]
    }
    # By pattern and not one by one: a new helper must not need a deployment of the router.
    Queues = {
      actions   = ["sqs:SendMessage", "sqs:GetQueueUrl"]
      resources = ["arn:aws:sqs:${var.region}:${local.account}:mfh-${var.stage}-*-executions.fifo", aws_sqs_queue.dead_letter.arn]
    }
    Parameters = {
      actions = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
      resources = [
        "${local.parameters}/mfh/${var.stage}/sqs",
        "${local.parameters}/mfh/${var.stage}/sqs/*",
        "${local.parameters}/mfh/${var.stage}/router/*",
      ]
    }
    }, var.kms_key_arn == null ? {} : {
    Key = { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [var.kms_key_arn] }
  })
}
