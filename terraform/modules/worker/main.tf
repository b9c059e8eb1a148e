# Tasks that serve one helper type or a pool of them, and their scaling.
data "aws_caller_identity" "current" {}

locals {
  helper_types = sort(keys(var.queues))
  dedicated    = length(local.helper_types) == 1
  here         = "${var.region}:${data.aws_caller_identity.current.account_id}"
  parameters   = "arn:aws:ssm:${local.here}:parameter"
  # What the code calls, table by table; tests/terraform/test_rights.py compares the two.
  tables = {
    connections               = ["GetItem", "UpdateItem"]
    platform_connection_auths = ["GetItem", "UpdateItem"]
    platforms                 = ["GetItem"]
    helpers                   = ["GetItem", "UpdateItem"]
    executions                = ["GetItem", "PutItem", "UpdateItem"]
    state                     = ["GetItem", "UpdateItem", "DeleteItem"]
  }
  reach = merge(var.helper_resources, contains(local.helper_types, "keap_backup") ? {} : {
    # Only tasks that serve keap_backup get near backups.
    backup_buckets = []
    backup_roles   = []
  })
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

  environment = merge(var.environment, { for name, value in {
    ARTIFACTS_BUCKET = local.reach.artifacts_bucket
    BACKUP_BUCKETS   = join(",", local.reach.backup_buckets)
    MAIL_FROM        = local.reach.mail_from
    USERS_TABLE      = local.reach.users_table
    } : name => value if value != null && value != "" }, {
    WORKER_NAME          = var.name
    HELPER_TYPE          = join(",", local.helper_types)
    WORKER_CONCURRENCY   = tostring(var.concurrency)
    WORKER_MAX_ATTEMPTS  = tostring(var.max_attempts)
    STOP_TIMEOUT_SECONDS = "120"
    # Nine tenths of the task's memory: the worker drains and restarts before the kernel kills it.
    WORKER_MEMORY_LIMIT_MEGABYTES = tostring(floor(var.memory * 0.9))
  })

  statements = merge({
    for table, actions in local.tables : "Table${replace(title(replace(table, "_", " ")), " ", "")}" => {
      actions   = [for action in actions : "dynamodb:${action}"]
      resources = [var.table_arns[table]]
    }
    }, {
    ShortKeys = {
      actions   = ["dynamodb:Query"]
      resources = ["${var.table_arns["helpers"]}/index/ShortKeyIndex"]
    }
    Queues = {
      actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
      resources = [for type in local.helper_types : var.queues[type].queue_arn]
    }
    DeadLetters = {
      actions   = ["sqs:SendMessage"]
      resources = [for type in local.helper_types : var.queues[type].dlq_arn]
    }
    # Whoever may read a path may read all that is below it.
    Paths = {
      actions   = ["ssm:GetParametersByPath"]
      resources = concat(["${local.parameters}/mfh/${var.stage}/sqs"], local.dedicated ? [] : ["${local.parameters}/mfh/${var.stage}/control"])
    }
    Parameters = {
      actions = ["ssm:GetParameter"]
      resources = concat(
        [for type in local.helper_types : "${local.parameters}/mfh/${var.stage}/control/${type}" if local.dedicated],
        [
          "${local.parameters}/myfusionhelper/${var.stage}/secrets",
          "${local.parameters}/myfusionhelper/${var.stage}/platforms/oauth/credentials",
        ],
      )
    }
    ScaleInProtection = {
      actions   = ["ecs:UpdateTaskProtection"]
      resources = ["arn:aws:ecs:${local.here}:task/${var.cluster.name}/*"]
    }
    }, var.kms_key_arn == null ? {} : {
    Key = { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [var.kms_key_arn] }
    }, local.reach.artifacts_bucket == null ? {} : {
    Artifacts = { actions = ["s3:GetObject", "s3:PutObject"], resources = ["arn:aws:s3:::${local.reach.artifacts_bucket}/*"] }
    }, length(local.reach.backup_buckets) == 0 ? {} : {
    Backups = { actions = ["s3:PutObject"], resources = [for bucket in local.reach.backup_buckets : "arn:aws:s3:::${bucket}/*"] }
    }, length(local.reach.backup_roles) == 0 ? {} : {
    BackupRoles = { actions = ["sts:AssumeRole"], resources = local.reach.backup_roles }
    }, length(local.reach.mail_identities) == 0 ? {} : {
    Mail = {
      actions   = ["ses:SendEmail", "ses:GetEmailIdentity"]
      resources = [for identity in local.reach.mail_identities : "arn:aws:ses:${local.here}:identity/${identity}"]
    }
    }, local.reach.users_table == null ? {} : {
    Users = { actions = ["dynamodb:GetItem"], resources = ["arn:aws:dynamodb:${local.here}:table/${local.reach.users_table}"] }
  })
}
