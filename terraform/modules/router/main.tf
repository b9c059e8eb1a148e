data "aws_caller_identity" "current" {}

locals {
  here = "${var.region}:${data.aws_caller_identity.current.account_id}"
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
  #checkov:skip=CKV2_AWS_34:A queue's URL is no secret, and String is the type that is fixed.
  name  = "/mfh/${var.stage}/router/dlq-url"
  type  = "String"
  value = aws_sqs_queue.dead_letter.url
  tags  = var.tags
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${aws_sqs_queue.dead_letter.name}-depth"
  alarm_description   = "Records that could not be routed wait to be looked at. See docs/router.md."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letter.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = var.tags
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
    # Every stream of the table: one that was disabled stays readable for a day, and what it holds is still to be routed.
    Stream = {
      actions   = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
      resources = ["${var.table_arns["executions"]}/stream/*"]
    }
    # It takes no resource, says IAM, and tells nothing but names of tables that have a stream.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
    Streams = {
      actions   = ["dynamodb:ListStreams"]
      resources = ["*"]
    }
    Leases = {
      actions   = ["dynamodb:Scan", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
      resources = [var.table_arns["router_leases"]]
    }
    Executions = {
      actions   = ["dynamodb:UpdateItem"]
      resources = [var.table_arns["executions"]]
    }
    Schedule = {
      actions   = ["dynamodb:Query"]
      resources = ["${var.table_arns["executions"]}/index/ScheduleIndex"]
    }
    # By pattern and not one by one: a new helper must not need a deployment of the router.
    Queues = {
      actions   = ["sqs:SendMessage"]
      resources = ["arn:aws:sqs:${local.here}:mfh-${var.stage}-*-executions.fifo", aws_sqs_queue.dead_letter.arn]
    }
    Paths = {
      actions   = ["ssm:GetParametersByPath"]
      resources = ["arn:aws:ssm:${local.here}:parameter/mfh/${var.stage}/sqs"]
    }
    DeadLetterParameter = {
      actions   = ["ssm:GetParameter"]
      resources = [aws_ssm_parameter.dead_letter.arn]
    }
    }, var.kms_key_arn == null ? {} : {
    Key = { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [var.kms_key_arn] }
  })
}
