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

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-west-2"
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role of the environment, whatever the role's own policy says; null = none. terraform/bootstrap makes one, and lets deployments make bounded roles only."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws:iam::(\\d{12}|aws):policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: the ARN of an IAM policy; in a workflow, is the variable PERMISSIONS_BOUNDARY_ARN set?"
  }
}

variable "egress_ports" {
  description = "TCP ports that helpers reach outside: HTTPS; HTTP (webhooks that have nothing else, ip-api.com); 465 and 587 for SMTP servers of accounts. A webhook on another port times out."
  type        = list(number)
  default     = [80, 443, 465, 587]

  validation {
    condition     = contains(var.egress_ports, 443) && alltrue([for port in var.egress_ports : port >= 1 && port <= 65535])
    error_message = "egress_ports: ports from 1 to 65535, 443 among them: AWS itself is reached by it."
  }
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
