variable "stage" {
  description = "Environment name; part of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.stage))
    error_message = "stage: 2 to 20 lower-case letters and digits, starting with a letter, such as dev or prod."
  }
}

variable "cidr" {
  description = "Address range of the VPC, /16."
  type        = string
  default     = "10.40.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && endswith(var.cidr, "/16")
    error_message = "cidr: a /16 range such as 10.40.0.0/16."
  }
}

variable "zones" {
  description = "Number of availability zones."
  type        = number
  default     = 2

  validation {
    condition     = var.zones >= 2 && var.zones <= 4
    error_message = "zones: 2 to 4; one zone alone does not survive its outage."
  }
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones: cheaper, but its zone's outage cuts every CRM off."
  type        = bool
  default     = true
}

variable "interface_endpoints" {
  description = "AWS services reached by interface endpoints instead of the NAT gateway, such as sqs, ssm, logs, ecr.api, ecr.dkr. Each costs per hour and zone."
  type        = list(string)
  default     = []

  validation {
    condition     = length(setintersection(var.interface_endpoints, ["dynamodb", "s3"])) == 0
    error_message = "interface_endpoints: dynamodb and s3 are reached by gateway endpoints already, which are free."
  }
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
