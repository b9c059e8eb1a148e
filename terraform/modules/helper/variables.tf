variable "stage" {
  description = "Environment name; part of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.stage))
    error_message = "stage: 2 to 20 lower-case letters and digits, starting with a letter, such as dev or prod."
  }
}

variable "helper_type" {
  description = "Type as in helpers/inventory.json, such as tag_it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]*$", var.helper_type))
    error_message = "helper_type: lower-case letters, digits and underscores, as in helpers/inventory.json."
  }
  validation {
    condition     = length("mfh-${var.stage}-${var.helper_type}-executions-dlq.fifo") <= 80
    error_message = "helper_type: too long for this stage: the name of its dead-letter queue would exceed the 80 characters of SQS."
  }
}

variable "visibility_timeout_seconds" {
  description = "Visibility timeout of the queue; workers set their own with each receive and renew it."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.visibility_timeout_seconds >= 30 && var.visibility_timeout_seconds <= 43200
    error_message = "visibility_timeout_seconds: 30 to 43200 (12 hours, the limit of SQS)."
  }
}

variable "max_receive_count" {
  description = "Receives until SQS itself moves a message to the dead-letter queue; the worker's attempts come first."
  type        = number
  default     = 30

  validation {
    condition     = var.max_receive_count >= 10 && var.max_receive_count <= 1000
    error_message = "max_receive_count: 10 to 1000; below 10 messages released with their group end in the dead-letter queue unrun."
  }
}

variable "oldest_message_alarm_seconds" {
  description = "Alarm when the oldest message waits longer."
  type        = number
  default     = 900
  nullable    = false

  validation {
    condition     = var.oldest_message_alarm_seconds >= 60 && var.oldest_message_alarm_seconds < 1209600
    error_message = "oldest_message_alarm_seconds: from 60 to below 1209600 (14 days), when SQS deletes what waits."
  }
}

variable "alarm_topic_arns" {
  description = "SNS topics of the alarms."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "Customer managed key of the queues; null = SSE-SQS."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
