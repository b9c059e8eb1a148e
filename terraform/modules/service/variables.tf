variable "stage" {
  description = "Environment name; part of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.stage))
    error_message = "stage: 2 to 20 lower-case letters and digits, starting with a letter, such as dev or prod."
  }
}

variable "name" {
  description = "Name of the service inside the stage, such as worker-tag-it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]+$", var.name))
    error_message = "name: lower-case letters, digits and hyphens."
  }
  validation {
    condition     = length("mfh-${var.stage}-${var.name}") <= 64
    error_message = "name: too long for this stage: the name of its role would exceed the 64 characters of IAM."
  }
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-west-2"
}

variable "image" {
  description = "Image by digest: repository@sha256:..."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image: name the image by digest (repository@sha256:...): a tag can be moved under a running service."
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

variable "security_group_ids" {
  description = "Security groups on top of the cluster's."
  type        = list(string)
  default     = []
}

variable "environment" {
  description = "Environment variables of the container."
  type        = map(string)
  default     = {}
}

variable "statements" {
  description = "What the service may do: IAM statements by sid."
  type = map(object({
    actions   = list(string)
    resources = list(string)
  }))

  validation {
    condition = 10240 >= length(jsonencode({
      Version = "2012-10-17"
      Statement = [
        for sid, statement in var.statements : { Sid = sid, Effect = "Allow", Action = statement.actions, Resource = statement.resources }
      ]
    }))
    error_message = "statements: ${var.name} has more than the 10,240 characters of rights that IAM takes for a role; give types of the pool services of their own (helper_overrides, dedicated = true)."
  }
}

variable "cpu" {
  description = "CPU units of a task: 256, 512, 1024, 2048, 4096."
  type        = number
  default     = 256

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.cpu)
    error_message = "cpu: 256, 512, 1024, 2048 or 4096 units."
  }
}

variable "memory" {
  description = "Memory of a task in MiB: 512 (with 256 CPU units) or whole GiB, 2 to 8 times the CPU units, 30 GiB at most."
  type        = number
  default     = 512

  validation {
    condition = (
      var.memory >= var.cpu * 2 && var.memory <= min(var.cpu * 8, 30720) && (var.memory % 1024 == 0 || var.memory == 512)
    )
    error_message = "memory: as Fargate sells it: 512 or whole GiB, 2 to 8 MiB for each CPU unit (256 units: 512, 1024, 2048; 4096 units: 8192 to 30720)."
  }
}

variable "architecture" {
  description = "X86_64 or ARM64."
  type        = string
  default     = "ARM64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "architecture: X86_64 or ARM64."
  }
}

variable "spot" {
  description = "Run on Fargate Spot: a third of the price, interrupted with two minutes' notice. The drain fits into it."
  type        = bool
  default     = false
}

variable "desired_count" {
  description = "Tasks at creation; later the scaling's business."
  type        = number
  default     = 1
}

variable "port" {
  description = "Port behind a load balancer; null = none."
  type        = number
  default     = null
}

variable "target_group_arn" {
  description = "Target group of a load balancer; null = none."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "How long log lines are kept."
  type        = number
  default     = 30
}

variable "kms_key_arn" {
  description = "Customer managed key of the log group; null = AWS's own."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
