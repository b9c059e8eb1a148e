variable "stage" {
  description = "Environment name; part of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.stage))
    error_message = "stage: 2 to 20 lower-case letters and digits, starting with a letter, such as dev or prod."
  }
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-west-2"
}

variable "alarm_emails" {
  description = "Addresses that get alarms; each must confirm its subscription."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alarm_emails: addresses such as ops@example.com."
  }
}

variable "iterator_age_alarm_seconds" {
  description = "Alarm when the router is behind by more."
  type        = number
  default     = 60

  validation {
    condition     = var.iterator_age_alarm_seconds > 0 && var.iterator_age_alarm_seconds <= 86400
    error_message = "iterator_age_alarm_seconds: above 0, up to 86400: DynamoDB keeps stream records for a day."
  }
}

variable "owner_switches_alarm" {
  description = "Alarm at more lease owner switches a minute; a deployment makes a few."
  type        = number
  default     = 10
}

variable "failed_percent_alarm" {
  description = "Alarm at a higher share of failed executions, in percent."
  type        = number
  default     = 20

  validation {
    condition     = var.failed_percent_alarm > 0 && var.failed_percent_alarm <= 100
    error_message = "failed_percent_alarm: a percentage above 0, up to 100."
  }
}

variable "kms_key_arn" {
  description = "Customer managed key of the topic, whose policy lets cloudwatch.amazonaws.com use it; null = not encrypted."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
