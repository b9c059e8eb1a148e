# Alarms on what the services report about themselves (EMF), a topic for them, and one page to look at.
locals {
  namespace = "MyFusionHelpers"
  router    = { Service = "router", Stage = var.stage }
  alarms = {
    router-iterator-age = {
      description = "The router is behind: the oldest record it read was ${var.iterator_age_alarm_seconds} s old."
      metric      = "IteratorAge", statistic = "Maximum", threshold = var.iterator_age_alarm_seconds * 1000, periods = 3
    }
    router-lag = {
      description = "Records wait in a shard and nothing moves."
      metric      = "ShardStalled", statistic = "Maximum", threshold = 60, periods = 2
    }
    router-lease-owner-switches = {
      description = "Leases change hands again and again: a record or a shard kills its readers."
      metric      = "OwnerSwitches", statistic = "Sum", threshold = var.owner_switches_alarm, periods = 3
    }
    router-records-dead-lettered = {
      description = "Executions could not be routed; the reason is in the router's dead-letter queue and in the execution."
      metric      = "RecordsDeadLettered", statistic = "Sum", threshold = 0, periods = 1
    }
    router-data-trimmed = {
      description = "Records were trimmed by DynamoDB before the router read them: executions are lost in the stream."
      metric      = "DataTrimmed", statistic = "Sum", threshold = 0, periods = 1
    }
    router-shards-parked = {
      description = "A shard is not read any more because records of it were trimmed (ROUTER_TRIMMED_DATA=stop)."
      metric      = "ShardsParked", statistic = "Maximum", threshold = 0, periods = 1
    }
    router-consumers-crashed = {
      description = "Reading a shard failed with a bug; another router takes it. The log has the traceback."
      metric      = "ConsumersCrashed", statistic = "Sum", threshold = 0, periods = 1
    }
    router-queues-missing = {
      description = "Executions of a type that has no queue here: apply Terraform, then replay them."
      metric      = "QueueMissing", statistic = "Sum", threshold = 0, periods = 1
    }
    router-dead-letter-queue-missing = {
      description = "A record cannot be routed and there is nowhere to put it: its shard stands still. Apply Terraform."
      metric      = "DeadLetterQueueMissing", statistic = "Sum", threshold = 0, periods = 1
    }
    router-shards-gone = {
      description = "A shard disappeared before it was read to its end: executions are lost in the stream."
      metric      = "ShardsGone", statistic = "Sum", threshold = 0, periods = 1
    }
    router-schedule-late = {
      description = "Scheduled executions start more than two seconds late."
      metric      = "ScheduleLateness", statistic = "p99", threshold = 2000, periods = 3
    }
  }
}

# CloudWatch may not use AWS's own key alias/aws/sns: with it every alarm would be lost. So a customer managed key, or none.
# https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns
resource "aws_sns_topic" "alarms" {
  #checkov:skip=CKV_AWS_26:An alarm's text names queues and thresholds, no data of customers; pass kms_key_arn to encrypt it.
  name              = "mfh-${var.stage}-alarms"
  kms_master_key_id = var.kms_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.alarm_emails)

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "router" {
  for_each = local.alarms

  alarm_name          = "mfh-${var.stage}-${each.key}"
  alarm_description   = "${each.value.description} See docs/router.md."
  namespace           = local.namespace
  metric_name         = each.value.metric
  dimensions          = local.router
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  period              = 60
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}

# A router reports its leases every few seconds: silence means that all are gone.
resource "aws_cloudwatch_metric_alarm" "router_silent" {
  alarm_name          = "mfh-${var.stage}-router-silent"
  alarm_description   = "No router has reported for five minutes: nothing is routed. See docs/router.md."
  namespace           = local.namespace
  metric_name         = "LeaseCount"
  dimensions          = local.router
  statistic           = "SampleCount"
  period              = 60
  evaluation_periods  = 5
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "failed_rate" {
  alarm_name          = "mfh-${var.stage}-failed-rate"
  alarm_description   = "More than ${var.failed_percent_alarm} % of at least 20 executions failed within five minutes."
  evaluation_periods  = 1
  threshold           = var.failed_percent_alarm
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags

  metric_query {
    id = "rate"
    # Workers report zeros too, so neither series is empty while one runs.
    expression  = "IF(failed + completed >= 20, 100 * failed / (failed + completed), 0)"
    label       = "failed executions, percent"
    return_data = true
  }
  dynamic "metric_query" {
    for_each = toset(["failed", "completed"])
    content {
      id = metric_query.key
      metric {
        namespace   = local.namespace
        metric_name = "ExecutionsEnded"
        dimensions  = { Service = "worker", Stage = var.stage, outcome = metric_query.key }
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "mfh-${var.stage}"
  dashboard_body = jsonencode({
    widgets = [for index, widget in local.widgets : {
      type       = "metric"
      x          = (index % 2) * 12
      y          = floor(index / 2) * 6
      width      = 12
      height     = 6
      properties = merge({ region = var.region, period = 60, view = "timeSeries" }, widget)
    }]
  })
}

locals {
  widgets = [
    {
      title   = "Router: age of what it reads (ms)"
      metrics = [[local.namespace, "IteratorAge", "Service", "router", "Stage", var.stage, { stat = "p99" }]]
    },
    {
      title   = "Router: records"
      metrics = [for name in ["RecordsRead", "RecordsRouted", "RecordsDeadLettered"] : [local.namespace, name, "Service", "router", "Stage", var.stage, { stat = "Sum" }]]
    },
    {
      title   = "Waiting in the queues"
      metrics = [[{ expression = "SEARCH('{AWS/SQS,QueueName} mfh-${var.stage} executions MetricName=\"ApproximateNumberOfMessagesVisible\"', 'Maximum', 60)", id = "visible" }]]
    },
    {
      title   = "Oldest waiting message (s)"
      metrics = [[{ expression = "SEARCH('{AWS/SQS,QueueName} mfh-${var.stage} executions MetricName=\"ApproximateAgeOfOldestMessage\"', 'Maximum', 60)", id = "age" }]]
    },
    {
      title   = "Executions per minute"
      metrics = [for outcome in ["completed", "failed"] : [local.namespace, "ExecutionsEnded", "Service", "worker", "Stage", var.stage, "outcome", outcome, { stat = "Sum" }]]
    },
    {
      title   = "Leases: count and owner switches"
      metrics = [for name in ["LeaseCount", "OwnerSwitches"] : [local.namespace, name, "Service", "router", "Stage", var.stage, { stat = "Sum" }]]
    },
  ]
}
