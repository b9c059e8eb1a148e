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

variable "vpc_id" {
  description = "VPC of load balancer and tasks."
  type        = string
}

variable "public_subnet_ids" {
  description = "Subnets of the load balancer, in two zones at least."
  type        = list(string)

  validation {
    condition     = length(var.public_subnet_ids) >= 2
    error_message = "public_subnet_ids: a load balancer needs subnets in two zones; with existing_network, give public_subnet_ids there."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of the API's name."
  type        = string

  validation {
    condition     = startswith(var.certificate_arn, "arn:aws:acm:${var.region}:")
    error_message = "certificate_arn: a certificate of ACM in the region of the load balancer (arn:aws:acm:REGION:...)."
  }
}

variable "allowed_cidrs" {
  description = "Who may call the API."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "allowed_cidrs: at least one IPv4 range such as 203.0.113.0/24."
  }
}

variable "access_log_bucket" {
  description = "S3 bucket of the load balancer's access log; null = none."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Refuse to delete the load balancer."
  type        = bool
  default     = true
}

variable "tasks" {
  description = "API tasks."
  type        = number
  default     = 2

  validation {
    condition     = var.tasks >= 1
    error_message = "tasks: at least 1."
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
