variable "stage" {
  description = "Environment name; part of every resource name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,19}$", var.stage))
    error_message = "stage: 2 to 20 lower-case letters and digits, starting with a letter, such as dev or prod."
  }
}

variable "existing_tables" {
  description = "Tables to use instead of making them: name by table (connections, platform_connection_auths, platforms, helpers, executions, api_keys, router_leases, state). An existing executions table needs a NEW_IMAGE stream and the ScheduleIndex."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([for table in keys(var.existing_tables) : contains(
      ["connections", "platform_connection_auths", "platforms", "helpers", "executions", "api_keys", "router_leases", "state"], table
    )])
    error_message = "existing_tables: the keys are connections, platform_connection_auths, platforms, helpers, executions, api_keys, router_leases, state."
  }
}

variable "kms_key_arn" {
  description = "Customer managed key of the tables; null = the key that AWS owns."
  type        = string
  default     = null
}

variable "point_in_time_recovery" {
  description = "Keep 35 days of continuous backups."
  type        = bool
  default     = true
}

variable "deletion_protection" {
  description = "Refuse to delete tables."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}
