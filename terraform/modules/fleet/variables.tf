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

variable "inventory_path" {
  description = "Path of helpers/inventory.json: helper types by category."
  type        = string
}

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

  validation {
    condition = alltrue([
      for type in keys(var.helper_overrides) :
      contains(flatten(values(jsondecode(file(var.inventory_path)))), type)
    ])
    error_message = "helper_overrides: a key is no helper type of helpers/inventory.json; check its spelling (underscores, as tag_it)."
  }
  validation {
    condition = alltrue(flatten([
      for override in values(var.helper_overrides) : [
        for name in ["cpu", "memory", "concurrency", "min_tasks", "max_tasks", "max_attempts", "backlog_per_task", "spot"] :
        override.dedicated || override[name] == null
      ]
    ]))
    error_message = "helper_overrides: without dedicated = true the pool's shape counts; add it, or change pool. Queue settings (visibility_timeout_seconds, oldest_message_alarm_seconds) hold either way."
  }
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

variable "router_tasks" {
  description = "Router tasks at creation; later `aws ecs update-service --desired-count`: Terraform leaves the count of every service alone."
  type        = number
  default     = 2
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

variable "existing_network" {
  description = "A VPC to use instead of making one."
  type = object({
    vpc_id             = string
    private_subnet_ids = list(string)
    public_subnet_ids  = optional(list(string), [])
  })
  default = null
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones."
  type        = bool
  default     = true
}

variable "interface_endpoints" {
  description = "AWS services reached by interface endpoints, such as sqs, ssm, logs."
  type        = list(string)
  default     = []
}

variable "egress_ports" {
  description = "TCP ports that helpers reach outside: HTTPS; HTTP (webhooks that have nothing else, ip-api.com); 465 and 587 for SMTP servers of accounts. A webhook on another port times out."
  type        = list(number)
  default     = [80, 443, 465, 587]
}

variable "existing_tables" {
  description = "Tables to use instead of making them: name by table. See the data module."
  type        = map(string)
  default     = {}
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

variable "protected" {
  description = "Deletion protection and point-in-time recovery."
  type        = bool
  default     = true
}

variable "enable_autoscaling" {
  description = "false for emulators, none of which has Application Auto Scaling."
  type        = bool
  default     = true
}

variable "architecture" {
  description = "X86_64 or ARM64."
  type        = string
  default     = "ARM64"
}

variable "kms_key_arn" {
  description = "Customer managed key of tables, queues and logs; null = AWS's own."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role of the environment: output of terraform/bootstrap; null = none."
  type        = string
  default     = null
}
