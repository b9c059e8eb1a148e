variable "stage" {
  description = "Environment name; part of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.stage))
    error_message = "stage: 2 to 20 lower-case letters and digits, starting with a letter, such as dev or prod."
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

variable "alarm_topic_arns" {
  description = "SNS topics of the alarms."
  type        = list(string)
  default     = []
}

variable "tasks" {
  description = "Router tasks; two, so that one may die without a pause longer than the failover time."
  type        = number
  default     = 2

  validation {
    condition     = var.tasks >= 1 && var.tasks <= 10
    error_message = "tasks: 1 to 10; more than the stream has shards have nothing to do."
  }
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

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
