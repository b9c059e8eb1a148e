# The fleet of one environment. Every helper type of the inventory gets its queues; who serves them is in
# var.helper_overrides: a dedicated service, or the pool of its category.
locals {
  inventory = jsondecode(file(var.inventory_path))
  types     = toset(flatten(values(local.inventory)))
  dedicated = { for type, override in var.helper_overrides : type => override if override.dedicated }
  pooled    = { for category, types in local.inventory : category => setsubtract(types, keys(local.dedicated)) }
  # One service per dedicated type, one per category for the types that are left; a category may have none left.
  workers = merge(
    {
      for type, override in local.dedicated : replace(type, "_", "-") => merge(
        { cpu = 256, memory = 512, concurrency = 20, min_tasks = 0, max_tasks = 4, max_attempts = 3, backlog_per_task = 100, spot = false },
        { for name, value in override : name => value if value != null },
        { types = [type] },
      )
    },
    {
      for category, types in local.pooled : "pool-${category}" => merge(var.pool, { types = types, backlog_per_task = null })
      if length(types) > 0
    },
  )
  queues = {
    for type, helper in module.helper : type => {
      queue_arn  = helper.queue.arn
      queue_name = helper.queue.name
      dlq_arn    = helper.dead_letter_queue.arn
    }
  }
  cluster = {
    arn                = module.cluster.arn
    name               = module.cluster.name
    execution_role_arn = module.cluster.execution_role_arn
    security_group_id  = module.cluster.security_group_id

    permissions_boundary_arn = module.cluster.permissions_boundary_arn
  }
  network = var.existing_network == null ? {
    vpc_id             = module.network[0].vpc_id
    private_subnet_ids = module.network[0].private_subnet_ids
    public_subnet_ids  = module.network[0].public_subnet_ids
  } : var.existing_network
  environment = merge(module.data.environment, var.environment)
}

module "data" {
  source = "../data"

  stage                  = var.stage
  existing_tables        = var.existing_tables
  deletion_protection    = var.protected
  point_in_time_recovery = var.protected
  kms_key_arn            = var.kms_key_arn
}

module "network" {
  source = "../network"
  count  = var.existing_network == null ? 1 : 0

  stage               = var.stage
  single_nat_gateway  = var.single_nat_gateway
  interface_endpoints = var.interface_endpoints
}

module "cluster" {
  source = "../cluster"

  stage                    = var.stage
  region                   = var.region
  vpc_id                   = local.network.vpc_id
  egress_ports             = var.egress_ports
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "observability" {
  source = "../observability"

  stage        = var.stage
  region       = var.region
  alarm_emails = var.alarm_emails
  kms_key_arn  = var.kms_key_arn
}

module "helper" {
  source   = "../helper"
  for_each = local.types

  stage                        = var.stage
  helper_type                  = each.key
  visibility_timeout_seconds   = try(var.helper_overrides[each.key].visibility_timeout_seconds, null)
  oldest_message_alarm_seconds = try(var.helper_overrides[each.key].oldest_message_alarm_seconds, null)
  alarm_topic_arns             = [module.observability.topic_arn]
  kms_key_arn                  = var.kms_key_arn
}

module "worker" {
  source   = "../worker"
  for_each = local.workers

  stage        = var.stage
  name         = each.key
  region       = var.region
  queues       = { for type in each.value.types : type => local.queues[type] }
  image        = var.images.worker
  cluster      = local.cluster
  subnet_ids   = local.network.private_subnet_ids
  table_arns   = module.data.table_arns
  environment  = local.environment
  cpu          = each.value.cpu
  memory       = each.value.memory
  concurrency  = each.value.concurrency
  max_attempts = each.value.max_attempts
  spot         = each.value.spot
  architecture = var.architecture
  kms_key_arn  = var.kms_key_arn
  scaling = {
    min_tasks        = each.value.min_tasks
    max_tasks        = each.value.max_tasks
    backlog_per_task = each.value.backlog_per_task
    enabled          = var.enable_autoscaling
  }
  helper_resources = var.helper_resources
}

module "router" {
  source = "../router"

  stage            = var.stage
  region           = var.region
  image            = var.images.router
  cluster          = local.cluster
  subnet_ids       = local.network.private_subnet_ids
  table_arns       = module.data.table_arns
  alarm_topic_arns = [module.observability.topic_arn]
  environment      = local.environment
  tasks            = var.router_tasks
  architecture     = var.architecture
  kms_key_arn      = var.kms_key_arn
}

module "api" {
  source = "../api"
  count  = var.api == null ? 0 : 1

  stage               = var.stage
  region              = var.region
  image               = var.images.api
  cluster             = local.cluster
  vpc_id              = local.network.vpc_id
  subnet_ids          = local.network.private_subnet_ids
  public_subnet_ids   = local.network.public_subnet_ids
  table_arns          = module.data.table_arns
  environment         = local.environment
  certificate_arn     = var.api.certificate_arn
  tasks               = var.api.tasks
  access_log_bucket   = var.api.access_log_bucket
  deletion_protection = var.protected
  architecture        = var.architecture
  kms_key_arn         = var.kms_key_arn
}
