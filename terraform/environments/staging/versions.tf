terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  # Bucket and account come with `terraform init -backend-config=...`; see docs/environments.md.
  backend "s3" {
    key          = "mfh/staging/terraform.tfstate"
    region       = "us-west-2"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = "us-west-2"

  default_tags {
    tags = {
      Project = "myfusion-helper-fleet"
      Stage   = "staging"
    }
  }
}
