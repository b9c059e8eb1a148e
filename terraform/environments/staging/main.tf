# As production, smaller.
module "fleet" {
  source = "../../modules/fleet"

  stage              = "staging"
  inventory_path     = "${path.module}/../../../helpers/inventory.json"
  images             = var.images
  helper_overrides   = var.helper_overrides
  pool               = var.pool
  api                = var.api
  environment        = var.environment
  helper_resources   = var.helper_resources
  alarm_emails       = var.alarm_emails
  enable_autoscaling = var.enable_autoscaling

  permissions_boundary_arn = var.permissions_boundary_arn

  protected    = true
  router_tasks = 2
}
