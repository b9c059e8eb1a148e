# Tasks that serve one helper type or a pool of them, and their scaling.
data "aws_caller_identity" "current" {}

locals {
  helper_types = sort(keys(var.queues))
  dedicated    = length(local.helper_types) == 1
  # Only tasks that serve keap_backup get near the buckets and roles of backups.
  backups    = contains(local.helper_types, "keap_backup") ? var.backups : { bucket_arns = [], tenant_role_arns = [] }
  parameters = "arn:aws:ssm:${var.region}:${data.aws_caller_identity.current.account_id}:parameter"
  tables     = { for table in ["connections", "platform_connection_auths", "platforms", "helpers", "executions", "state"] : table => var.table_arns[table] }
}

module "service" {
  source = "../service"

  stage         = var.stage
  name          = "worker-${var.name}"
  region        = var.region
  image         = var.image
  cluster       = var.cluster
  subnet_ids    = var.subnet_ids
  cpu           = var.cpu
  memory        = var.memory
  architecture  = var.architecture
  spot          = var.spot
  desired_count = var.scaling.min_tasks
  kms_key_arn   = var.kms_key_arn
  tags          = var.tags

  environment = merge(var.environment, {
    HELPER_TYPE          = join(",", local.helper_types)
    WORKER_CONCURRENCY   = tostring(var.concurrency)
    WORKER_MAX_ATTEMPTS  = tostring(var.max_attempts)
    STOP_TIMEOUT_SECONDS = "120"
    # Nine tenths of the task's memory: the worker drains and restarts before the kernel kills it.
    WORKER_MEMORY_LIMIT_MEGABYTES = tostring(floor(var.memory * 0.9))
    }, length(local.backups.bucket_arns) == 0 ? {} : {
    BACKUP_BUCKETS = join(",", [for arn in local.backups.bucket_arns : element(split(":", arn), 5)])
  })

  statements = merge({
    Tables = {
      actions   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchGetItem"]
      resources = values(local.tables)
    }
    Indexes = {
      actions = ["dynamodb:Query"]
      resources = concat(values(local.tables), [
        for index in local.indexes : "${local.tables[index.table]}/index/${index.name}"
      ])
    }
    Queues = {
      actions = [
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
      ]
      resources = [for type in local.helper_types : var.queues[type].queue_arn]
    }
    DeadLetters = {
      actions   = ["sqs:SendMessage"]
      resources = [for type in local.helper_types : var.queues[type].dlq_arn]
    }
    Parameters = {
      actions = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
      resources = concat(
        ["${local.parameters}/mfh/${var.stage}/sqs", "${local.parameters}/mfh/${var.stage}/control"],
        flatten([for type in local.helper_types : [
          "${local.parameters}/mfh/${var.stage}/sqs/${type}/queue-url",
          "${local.parameters}/mfh/${var.stage}/sqs/${type}/dlq-url",
          "${local.parameters}/mfh/${var.stage}/control/${type}",
        ]]),
        [
          "${local.parameters}/myfusionhelper/${var.stage}/secrets",
          "${local.parameters}/myfusionhelper/${var.stage}/platforms/oauth/credentials",
        ],
      )
    }
    ScaleInProtection = {
      actions   = ["ecs:UpdateTaskProtection", "ecs:GetTaskProtection"]
      resources = ["arn:aws:ecs:${var.region}:${data.aws_caller_identity.current.account_id}:task/${var.cluster.name}/*"]
    }
    }, var.kms_key_arn == null ? {} : {
    Key = { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [var.kms_key_arn] }
    }, var.artifacts_bucket_arn == null ? {} : {
    Artifacts = { actions = ["s3:GetObject", "s3:PutObject"], resources = ["${var.artifacts_bucket_arn}/*"] }
    }, length(local.backups.bucket_arns) == 0 ? {} : {
    Backups = { actions = ["s3:PutObject"], resources = [for arn in local.backups.bucket_arns : "${arn}/*"] }
    }, length(local.backups.tenant_role_arns) == 0 ? {} : {
    TenantRoles = { actions = ["sts:AssumeRole"], resources = local.backups.tenant_role_arns }
    }, var.mail_identity_arn == null ? {} : {
    Mail = { actions = ["ses:SendEmail", "ses:SendRawEmail"], resources = [var.mail_identity_arn] }
  })
}

locals {
  indexes = [
    { table = "connections", name = "AccountIdIndex" },
    { table = "platform_connection_auths", name = "ConnectionIdIndex" },
    { table = "platforms", name = "SlugIndex" },
    { table = "helpers", name = "AccountIdIndex" },
    { table = "helpers", name = "ShortKeyIndex" },
    { table = "executions", name = "AccountIdCreatedAtIndex" },
    { table = "executions", name = "HelperIdCreatedAtIndex" },
  ]
}
