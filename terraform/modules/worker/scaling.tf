# One type. Out: 0 -> 1 as soon as a message is visible, then backlog per task. In: only when nothing is visible and
# nothing is in flight.
# A pool serves many queues, none of which speaks for it. Out: when its tasks have all the groups at work that they can
# have, or no CPU left. In: when they have room in both. Not by messages: what waits behind a busy contact needs no
# further task.
# Either way a busy task is protected.
locals {
  queue_name = local.dedicated ? var.queues[local.helper_types[0]].queue_name : ""
  scaled     = var.scaling.enabled && var.scaling.max_tasks > var.scaling.min_tasks
}

# Also of a fixed number of tasks: Terraform leaves a service's count alone, and this is what changes it.
resource "aws_appautoscaling_target" "this" {
  count = var.scaling.enabled ? 1 : 0

  service_namespace  = "ecs"
  resource_id        = "service/${var.cluster.name}/${module.service.name}"
  scalable_dimension = "ecs:service:DesiredCount"
  min_capacity       = var.scaling.min_tasks
  max_capacity       = var.scaling.max_tasks
  tags               = var.tags
}

resource "aws_appautoscaling_policy" "start" {
  count = local.scaled && local.dedicated && var.scaling.min_tasks == 0 ? 1 : 0

  name               = "start"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  resource_id        = aws_appautoscaling_target.this[0].resource_id
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension

  step_scaling_policy_configuration {
    # Not ExactCapacity: the alarm lasts until the first task runs, and would take back what backlog-per-task added.
    adjustment_type = "ChangeInCapacity"
    cooldown        = 300
    step_adjustment {
      metric_interval_lower_bound = 0
      scaling_adjustment          = 1
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "start" {
  count = local.scaled && local.dedicated && var.scaling.min_tasks == 0 ? 1 : 0

  alarm_name          = "${module.service.name}-start"
  alarm_description   = "Messages wait and no task runs: start one."
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_appautoscaling_policy.start[0].arn]
  tags                = var.tags

  metric_query {
    id          = "waiting"
    expression  = "IF(FILL(tasks, 0) > 0, 0, visible)"
    label       = "messages that no task serves"
    return_data = true
  }
  metric_query {
    id = "visible"
    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.queue_name }
      stat        = "Maximum"
      period      = 60
    }
  }
  metric_query {
    id = "tasks"
    metric {
      namespace   = "ECS/ContainerInsights"
      metric_name = "RunningTaskCount"
      dimensions  = { ClusterName = var.cluster.name, ServiceName = module.service.name }
      stat        = "Maximum"
      period      = 60
    }
  }
}

resource "aws_appautoscaling_policy" "backlog" {
  count = local.scaled && local.dedicated ? 1 : 0

  name               = "backlog-per-task"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  resource_id        = aws_appautoscaling_target.this[0].resource_id
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = var.scaling.backlog_per_task
    disable_scale_in   = true
    scale_out_cooldown = 60

    customized_metric_specification {
      metrics {
        id          = "backlog"
        expression  = "visible / IF(FILL(tasks, 1) > 0, FILL(tasks, 1), 1)"
        label       = "visible messages per running task"
        return_data = true
      }
      metrics {
        id          = "visible"
        return_data = false
        metric_stat {
          stat = "Maximum"
          metric {
            namespace   = "AWS/SQS"
            metric_name = "ApproximateNumberOfMessagesVisible"
            dimensions {
              name  = "QueueName"
              value = local.queue_name
            }
          }
        }
      }
      metrics {
        id          = "tasks"
        return_data = false
        metric_stat {
          stat = "Average"
          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"
            dimensions {
              name  = "ClusterName"
              value = var.cluster.name
            }
            dimensions {
              name  = "ServiceName"
              value = module.service.name
            }
          }
        }
      }
    }
  }
}

resource "aws_appautoscaling_policy" "stop" {
  count = local.scaled && local.dedicated ? 1 : 0

  name               = "stop"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  resource_id        = aws_appautoscaling_target.this[0].resource_id
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension

  step_scaling_policy_configuration {
    adjustment_type = "ExactCapacity"
    cooldown        = 120
    step_adjustment {
      metric_interval_upper_bound = 0
      scaling_adjustment          = var.scaling.min_tasks
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "stop" {
  count = local.scaled && local.dedicated ? 1 : 0

  alarm_name          = "${module.service.name}-idle"
  alarm_description   = "Nothing visible, in flight or sent for ${var.scaling.idle_minutes} minutes: back to the minimum."
  evaluation_periods  = var.scaling.idle_minutes
  threshold           = 0
  comparison_operator = "LessThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_appautoscaling_policy.stop[0].arn]
  tags                = var.tags

  metric_query {
    id = "work"
    # SQS does not report in every minute what there is none of. Those sent count, or a service that works off each
    # message before SQS counts would end between two of them.
    expression  = "visible + FILL(in_flight, 0) + FILL(sent, 0)"
    label       = "messages visible, in flight or sent"
    return_data = true
  }
  metric_query {
    id = "visible"
    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = local.queue_name }
      stat        = "Maximum"
      period      = 60
    }
  }
  metric_query {
    id = "in_flight"
    metric {
      namespace   = "AWS/SQS"
      metric_name = "ApproximateNumberOfMessagesNotVisible"
      dimensions  = { QueueName = local.queue_name }
      stat        = "Maximum"
      period      = 60
    }
  }
  metric_query {
    id = "sent"
    metric {
      namespace   = "AWS/SQS"
      metric_name = "NumberOfMessagesSent"
      dimensions  = { QueueName = local.queue_name }
      stat        = "Sum"
      period      = 60
    }
  }
}

resource "aws_appautoscaling_policy" "cpu" {
  count = local.scaled && !local.dedicated ? 1 : 0

  name               = "cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  resource_id        = aws_appautoscaling_target.this[0].resource_id
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_out_cooldown = 60
    scale_in_cooldown  = 600
    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

resource "aws_appautoscaling_policy" "busy" {
  count = local.scaled && !local.dedicated ? 1 : 0

  name               = "busy"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  resource_id        = aws_appautoscaling_target.this[0].resource_id
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension

  target_tracking_scaling_policy_configuration {
    target_value       = 70
    scale_out_cooldown = 60
    scale_in_cooldown  = 600
    customized_metric_specification {
      namespace   = "MyFusionHelpers"
      metric_name = "Busy"
      statistic   = "Average"
      unit        = "Percent"
      dimensions {
        name  = "Service"
        value = "worker"
      }
      dimensions {
        name  = "Stage"
        value = var.stage
      }
      dimensions {
        name  = "Worker"
        value = var.name
      }
    }
  }
}
