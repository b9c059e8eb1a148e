variable "github_repository" {
  description = "Repository whose workflows deploy, as OWNER/NAME. Case matters: GitHub writes it into its identity tokens."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository: OWNER/NAME, without https:// and .git, such as acme/helpers."
  }
}

variable "state_bucket" {
  description = "Name of the bucket that keeps Terraform's states; unique in all of AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket: 3 to 63 lower-case letters, digits and hyphens, such as acme-mfh-state."
  }
}

variable "stages" {
  description = "Environments of this account; each gets a deploy role that only the GitHub environment of the same name may take."
  type        = set(string)
  default     = ["dev", "staging", "prod"]

  validation {
    condition = length(var.stages) > 0 && alltrue([
      for stage in var.stages : can(regex("^[a-z][a-z0-9]{1,19}$", stage)) && !contains(["deploy", "images", "plan", "services"], stage)
    ])
    error_message = "stages: names of 2 to 20 lower-case letters and digits, not deploy, images, plan or services, which name roles."
  }
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-west-2"
}

variable "existing_oidc_provider_arn" {
  description = "Identity provider of GitHub that the account has already (an account can have one only); null = make it."
  type        = string
  default     = null

  validation {
    condition     = var.existing_oidc_provider_arn == null || can(regex(":oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.existing_oidc_provider_arn))
    error_message = "existing_oidc_provider_arn: the ARN of token.actions.githubusercontent.com, as `aws iam list-open-id-connect-providers` shows it."
  }
}
