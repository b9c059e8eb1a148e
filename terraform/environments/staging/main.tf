# As production, smaller.
module "fleet" {
  source = "../../modules/fleet"

  stage              = "staging"
  inventory_path     = "${path.module}/../../../helpers/inventory.json"
  images             = var.images
  helper_overrides   = var.helper_overrides
  pool               = var.pool
  api                = var.api
  alarm_emails       = var.alarm_emails
  enable_autoscaling = var.enable_autoscaling

  protected    = true
  router_tasks = 2
}
