# The API behind a load balancer: HTTPS in, one target group, tasks in private subnets.
data "aws_caller_identity" "current" {}

locals {
  name       = "mfh-${var.stage}-api"
  parameters = "arn:aws:ssm:${var.region}:${data.aws_caller_identity.current.account_id}:parameter"
  # It runs routing helpers itself, so it has a worker's rights to the tables. API keys are found by their hash only.
  tables = {
    connections               = ["GetItem", "UpdateItem"]
    platform_connection_auths = ["GetItem", "UpdateItem"]
    platforms                 = ["GetItem"]
    helpers                   = ["GetItem", "UpdateItem"]
    executions                = ["GetItem", "PutItem", "UpdateItem"]
    state                     = ["GetItem", "UpdateItem", "DeleteItem"]
  }
  indexes = [
    ["helpers", "ShortKeyIndex"],
    ["executions", "AccountIdCreatedAtIndex"],
    ["executions", "HelperIdCreatedAtIndex"],
    ["api_keys", "KeyHashIndex"],
  ]
}

resource "aws_security_group" "balancer" {
  name        = "${local.name}-balancer"
  description = "HTTPS from the Internet to the API"
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  for_each = toset(var.allowed_cidrs)

  security_group_id = aws_security_group.balancer.id
  description       = "HTTPS"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = each.key
}

resource "aws_security_group" "tasks" {
  #checkov:skip=CKV2_AWS_5:Attached by the service module, which checkov does not follow.
  name        = "${local.name}-tasks"
  description = "From the balancer to the API"
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_egress_rule" "tasks" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "API"
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
  referenced_security_group_id = aws_security_group.tasks.id
}

resource "aws_vpc_security_group_ingress_rule" "tasks" {
  security_group_id            = aws_security_group.tasks.id
  description                  = "Load balancer"
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
  referenced_security_group_id = aws_security_group.balancer.id
}

resource "aws_lb" "this" {
  #checkov:skip=CKV2_AWS_28:Every request needs an API key or a signature; a web ACL is associated from outside, by this ARN.
  name                       = local.name
  load_balancer_type         = "application"
  security_groups            = [aws_security_group.balancer.id]
  subnets                    = var.public_subnet_ids
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection
  tags                       = var.tags

  dynamic "access_logs" {
    for_each = var.access_log_bucket == null ? [] : [var.access_log_bucket]
    content {
      bucket  = access_logs.value
      enabled = true
    }
  }
}

resource "aws_lb_target_group" "this" {
  name                 = local.name
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  deregistration_delay = 30
  tags                 = var.tags

  health_check {
    path                = "/healthz"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn
  tags              = var.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

module "service" {
  source = "../service"

  stage              = var.stage
  name               = "api"
  region             = var.region
  image              = var.image
  cluster            = var.cluster
  subnet_ids         = var.subnet_ids
  security_group_ids = [aws_security_group.tasks.id]
  cpu                = var.cpu
  memory             = var.memory
  architecture       = var.architecture
  desired_count      = var.tasks
  port               = 8080
  # By way of the listener: a service is refused while its target group has no load balancer.
  target_group_arn = aws_lb_listener.https.default_action[0].target_group_arn
  kms_key_arn      = var.kms_key_arn
  tags             = var.tags

  # Only the load balancer reaches the tasks, so what it says about the visitor's address is believed.
  environment = merge(var.environment, { API_PORT = "8080", API_TRUSTED_PROXIES = "*" })

  statements = merge({
    for table, actions in local.tables : "Table${replace(title(replace(table, "_", " ")), " ", "")}" => {
      actions   = [for action in actions : "dynamodb:${action}"]
      resources = [var.table_arns[table]]
    }
    }, {
    Indexes = {
      actions   = ["dynamodb:Query"]
      resources = [for pair in local.indexes : "${var.table_arns[pair[0]]}/index/${pair[1]}"]
    }
    Parameters = {
      actions = ["ssm:GetParameter"]
      resources = [
        "${local.parameters}/myfusionhelper/${var.stage}/secrets",
        "${local.parameters}/myfusionhelper/${var.stage}/platforms/oauth/credentials",
      ]
    }
    }, var.kms_key_arn == null ? {} : {
    Key = { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [var.kms_key_arn] }
  })
}
