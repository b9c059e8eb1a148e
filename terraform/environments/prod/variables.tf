variable "images" {
  description = "Image of each service by digest: repository@sha256:..."
  type = object({
    worker = string
    router = string
    api    = string
  })
}

variable "helper_overrides" {
  description = "What differs for single helper types. dedicated = a service of its own, which may scale to zero, in this shape (default: 256, 512, 20, 0, 4, 3, 100, false). Without it the pool of the category serves the type, in the pool's shape."
  type = map(object({
    dedicated                    = optional(bool, false)
    cpu                          = optional(number)
    memory                       = optional(number)
    concurrency                  = optional(number)
    min_tasks                    = optional(number)
    max_tasks                    = optional(number)
    max_attempts                 = optional(number)
    backlog_per_task             = optional(number)
    spot                         = optional(bool)
    visibility_timeout_seconds   = optional(number)
    oldest_message_alarm_seconds = optional(number)
  }))
  default = {}
}

variable "pool" {
  description = "Shape of the pool services, one per category."
  type = object({
    cpu          = optional(number, 256)
    memory       = optional(number, 512)
    concurrency  = optional(number, 40)
    min_tasks    = optional(number, 1)
    max_tasks    = optional(number, 4)
    max_attempts = optional(number, 3)
    spot         = optional(bool, false)
  })
  default = {}
}

variable "api" {
  description = "The API behind a load balancer; null = none."
  type = object({
    certificate_arn   = string
    tasks             = optional(number, 2)
    access_log_bucket = optional(string)
  })
  default = null
}

variable "environment" {
  description = "Further environment variables of every service, such as LOG_LEVEL or APP_URL."
  type        = map(string)
  default     = {}
}

variable "helper_resources" {
  description = "What helpers reach besides the fleet's tables, by name: rights and environment follow from it. backup_buckets and backup_roles (roles of tenants to assume, as ARNs) are for keap_backup alone. mail_identities are the SES identities (domains or addresses) that helpers may send as; mail_from lies in one of them."
  type = object({
    artifacts_bucket = optional(string)
    backup_buckets   = optional(list(string), [])
    backup_roles     = optional(list(string), [])
    mail_from        = optional(string)
    mail_identities  = optional(list(string), [])
    users_table      = optional(string)
  })
  default = {}
}

variable "alarm_emails" {
  description = "Addresses that get alarms."
  type        = list(string)
  default     = []
}

variable "enable_autoscaling" {
  description = "false for emulators, none of which has Application Auto Scaling."
  type        = bool
  default     = true
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role of the environment: output of terraform/bootstrap; null = none."
  type        = string
  default     = null
}
