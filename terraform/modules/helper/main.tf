# The queues of one helper type and the parameters by which router and workers find them.
locals {
  kebab = replace(var.helper_type, "_", "-")
  name  = "mfh-${var.stage}-${local.kebab}-executions"
}

resource "aws_sqs_queue" "dead_letter" {
  name                              = "${local.name}-dlq.fifo"
  fifo_queue                        = true
  content_based_deduplication       = true
  deduplication_scope               = "messageGroup"
  fifo_throughput_limit             = "perMessageGroupId"
  message_retention_seconds         = 1209600
  visibility_timeout_seconds        = var.visibility_timeout_seconds
  sqs_managed_sse_enabled           = var.kms_key_arn == null ? true : null
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 3600
  tags                              = local.tags
}

resource "aws_sqs_queue" "executions" {
  name                              = "${local.name}.fifo"
  fifo_queue                        = true
  content_based_deduplication       = true
  deduplication_scope               = "messageGroup"
  fifo_throughput_limit             = "perMessageGroupId"
  message_retention_seconds         = 1209600
  visibility_timeout_seconds        = var.visibility_timeout_seconds
  receive_wait_time_seconds         = 20
  sqs_managed_sse_enabled           = var.kms_key_arn == null ? true : null
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 3600
  tags                              = local.tags

  # The backstop. Attempts are counted in the execution: SQS also counts messages released with their group.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = var.max_receive_count
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letter" {
  queue_url = aws_sqs_queue.dead_letter.url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.executions.arn]
  })
}

resource "aws_ssm_parameter" "queue_url" {
  #checkov:skip=CKV2_AWS_34:A queue's URL is no secret, and String is the type that is fixed.
  name  = "/mfh/${var.stage}/sqs/${var.helper_type}/queue-url"
  type  = "String"
  value = aws_sqs_queue.executions.url
  tags  = local.tags
}

resource "aws_ssm_parameter" "dlq_url" {
  #checkov:skip=CKV2_AWS_34:A queue's URL is no secret, and String is the type that is fixed.
  name  = "/mfh/${var.stage}/sqs/${var.helper_type}/dlq-url"
  type  = "String"
  value = aws_sqs_queue.dead_letter.url
  tags  = local.tags
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${local.name}-dlq"
  alarm_description   = "${var.helper_type}: executions were given up. See docs/worker.md, how-tos."
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
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "age" {
  alarm_name          = "${local.name}-age"
  alarm_description   = "${var.helper_type}: the oldest execution waits longer than ${var.oldest_message_alarm_seconds} s."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.executions.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 3
  threshold           = var.oldest_message_alarm_seconds
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = local.tags
}

locals {
  tags = merge(var.tags, { HelperType = var.helper_type })
}
