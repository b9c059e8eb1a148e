variable "stage" {
  description = "Environment name; part of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.stage))
    error_message = "stage: 2 to 20 lower-case letters and digits, starting with a letter, such as dev or prod."
  }
}

variable "vpc_id" {
  description = "VPC of the tasks."
  type        = string
}

variable "create_repositories" {
  description = "Make ECR repositories for the images of this environment."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "Customer managed key of the repositories; null = AES-256 by AWS."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
