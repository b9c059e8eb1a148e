variable "stage" {
  description = "Environment name; part of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.stage))
    error_message = "stage: 2 to 20 lower-case letters and digits, starting with a letter, such as dev or prod."
  }
}

variable "name" {
  description = "Name of the worker service: the type with hyphens, or the pool's category."
  type        = string
}

variable "queues" {
  description = "Queues to serve, by helper type. One type makes a dedicated service, several a pool."
  type = map(object({
    queue_arn  = string
    queue_name = string
    dlq_arn    = string
  }))

  validation {
    condition     = length(var.queues) > 0
    error_message = "queues: a worker serves at least one helper type."
  }
}

variable "cluster" {
  description = "Where the service runs: outputs of the cluster module."
  type = object({
    arn                = string
    name               = string
    execution_role_arn = string
    security_group_id  = string

    permissions_boundary_arn = optional(string)
  })
}

variable "subnet_ids" {
  description = "Private subnets of the tasks."
  type        = list(string)
}

variable "image" {
  description = "Image by digest: repository@sha256:..."
  type        = string
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-west-2"
}

variable "table_arns" {
  description = "ARN of each table, by table: output of the data module."
  type        = map(string)
}

variable "environment" {
  description = "Environment of the container: output of the data module, and settings."
  type        = map(string)
}

variable "kms_key_arn" {
  description = "Customer managed key of tables, queues and parameters; null = AWS's own."
  type        = string
  default     = null
}

variable "cpu" {
  description = "CPU units of a task."
  type        = number
  default     = 256
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 512
}

variable "architecture" {
  description = "X86_64 or ARM64."
  type        = string
  default     = "ARM64"
}

variable "spot" {
  description = "Run on Fargate Spot."
  type        = bool
  default     = false
}

variable "scaling" {
  description = "Bounds and triggers of scaling. A pool needs min_tasks >= 1: no single queue could wake it."
  type = object({
    min_tasks        = optional(number, 1)
    max_tasks        = optional(number, 4)
    backlog_per_task = optional(number, 100)
    idle_minutes     = optional(number, 10)
    enabled          = optional(bool, true)
  })
  default = {}

  validation {
    condition     = var.scaling.min_tasks >= 0 && var.scaling.max_tasks >= max(var.scaling.min_tasks, 1)
    error_message = "scaling: min_tasks from 0, max_tasks at least 1 and not below min_tasks."
  }
  validation {
    condition     = length(var.queues) == 1 || var.scaling.min_tasks >= 1
    error_message = "scaling: a pool needs min_tasks >= 1, or nothing would wake it."
  }
}

variable "concurrency" {
  description = "Message groups worked on at a time in one task."
  type        = number
  default     = 20

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 5000
    error_message = "concurrency: 1 to 5000."
  }
}

variable "max_attempts" {
  description = "Attempts before an execution is given up."
  type        = number
  default     = 3

  validation {
    condition     = var.max_attempts >= 1 && var.max_attempts <= 20
    error_message = "max_attempts: 1 to 20."
  }
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

  validation {
    condition = var.helper_resources.mail_from == null || anytrue([
      for identity in var.helper_resources.mail_identities :
      var.helper_resources.mail_from == identity || endswith(coalesce(var.helper_resources.mail_from, "-"), "@${identity}")
    ])
    error_message = "helper_resources: mail_from is in none of mail_identities, so SES would refuse every mail; add its domain or the address itself."
  }
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
