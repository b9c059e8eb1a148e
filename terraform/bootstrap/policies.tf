# What the roles of roles.tf may do. Patterns instead of resources: they are there before what they name.
data "aws_iam_policy_document" "read" {
  #checkov:skip=CKV_AWS_356:Describing calls, most of which take no resource; they show settings, no data.
  statement {
    sid = "Settings"
    actions = [
      "application-autoscaling:Describe*", "application-autoscaling:ListTagsForResource",
      "cloudwatch:DescribeAlarms", "cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource",
      "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource",
      "ec2:Describe*", "ecs:Describe*", "ecs:List*", "elasticloadbalancing:Describe*",
      "logs:DescribeLogGroups", "logs:ListTagsForResource",
      "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource",
      "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags", "ssm:DescribeParameters",
    ]
    resources = ["*"]
  }
  # Queue URLs. The secrets are below /myfusionhelper.
  statement {
    sid       = "Parameters"
    actions   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:ListTagsForResource"]
    resources = ["arn:aws:ssm:${local.here}:parameter/mfh/*"]
  }
  statement {
    sid       = "Roles"
    actions   = ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"]
    resources = ["arn:aws:iam::${local.account}:role/mfh-*"]
  }
  statement {
    sid       = "States"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.state.arn]
  }
  statement {
    sid       = "State"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.state.arn}/mfh/*"]
  }
}

data "aws_iam_policy_document" "images" {
  #checkov:skip=CKV_AWS_356:GetAuthorizationToken takes no resource; it is a login to the registry and reads nothing.
  statement {
    sid       = "RegistryLogin"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }
  statement {
    sid = "Push"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = [for repository in aws_ecr_repository.this : repository.arn]
  }
}

data "aws_iam_policy_document" "deploy" {
  #checkov:skip=CKV_AWS_109:Roles can only be made within the boundary; the network has no names to restrict it by.
  #checkov:skip=CKV_AWS_111:As above: the network, by region.
  #checkov:skip=CKV_AWS_356:As above; Unsubscribe takes no resource.
  for_each = var.stages

  statement {
    sid = "Network"
    actions = [
      "ec2:AllocateAddress", "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:AuthorizeSecurityGroup*",
      "ec2:CreateInternetGateway", "ec2:CreateNatGateway", "ec2:CreateRoute", "ec2:CreateRouteTable", "ec2:CreateSecurityGroup",
      "ec2:CreateSubnet", "ec2:CreateTags", "ec2:CreateVpc", "ec2:CreateVpcEndpoint",
      "ec2:DeleteInternetGateway", "ec2:DeleteNatGateway", "ec2:DeleteRoute", "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup",
      "ec2:DeleteSubnet", "ec2:DeleteTags", "ec2:DeleteVpc", "ec2:DeleteVpcEndpoints", "ec2:DetachInternetGateway",
      "ec2:DisassociateAddress", "ec2:DisassociateRouteTable", "ec2:ModifySecurityGroupRules", "ec2:ModifySubnetAttribute",
      "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint", "ec2:ReleaseAddress", "ec2:ReplaceRoute", "ec2:RevokeSecurityGroup*",
    ]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region]
    }
  }
  # An interface endpoint answers to AWS's own names by a hosted zone of AWS's.
  statement {
    sid       = "NamesOfEndpoints"
    actions   = ["route53:AssociateVPCWithHostedZone"]
    resources = ["arn:aws:route53:::hostedzone/*"]
  }
  statement {
    sid = "Tables"
    actions = [
      "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:TagResource", "dynamodb:UntagResource",
      "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive",
    ]
    resources = ["arn:aws:dynamodb:${local.here}:table/mfh-${each.key}-*"]
  }
  # `mfh smoke` after an apply.
  statement {
    sid       = "Smoke"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = ["arn:aws:dynamodb:${local.here}:table/mfh-${each.key}-executions"]
  }
  statement {
    sid       = "Queues"
    actions   = ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"]
    resources = ["arn:aws:sqs:${local.here}:mfh-${each.key}-*"]
  }
  statement {
    sid       = "Parameters"
    actions   = ["ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:PutParameter", "ssm:RemoveTagsFromResource"]
    resources = ["arn:aws:ssm:${local.here}:parameter/mfh/${each.key}/*"]
  }
  statement {
    sid       = "BoundedRoles"
    actions   = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
    resources = ["arn:aws:iam::${local.account}:role/mfh-${each.key}-*"]
    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.services.arn]
    }
  }
  statement {
    sid = "Roles"
    actions = [
      "iam:DeleteRole", "iam:ListInstanceProfilesForRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
    ]
    resources = ["arn:aws:iam::${local.account}:role/mfh-${each.key}-*"]
  }
  statement {
    sid       = "RolesOfTasks"
    actions   = ["iam:PassRole"]
    resources = ["arn:aws:iam::${local.account}:role/mfh-${each.key}-*"]
    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
  statement {
    sid       = "RolesOfAws"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["arn:aws:iam::${local.account}:role/aws-service-role/*"]
    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["ecs.amazonaws.com", "ecs.application-autoscaling.amazonaws.com", "elasticloadbalancing.amazonaws.com"]
    }
  }
  statement {
    sid = "Services"
    actions = [
      "ecs:CreateCluster", "ecs:CreateService", "ecs:DeleteCluster", "ecs:DeleteService", "ecs:PutClusterCapacityProviders",
      "ecs:RegisterTaskDefinition", "ecs:TagResource", "ecs:UntagResource", "ecs:UpdateCluster", "ecs:UpdateClusterSettings",
      "ecs:UpdateService",
    ]
    resources = [
      "arn:aws:ecs:${local.here}:cluster/mfh-${each.key}",
      "arn:aws:ecs:${local.here}:service/mfh-${each.key}/*",
      "arn:aws:ecs:${local.here}:task-definition/mfh-${each.key}-*:*",
    ]
  }
  statement {
    sid       = "NoResource"
    actions   = ["sns:Unsubscribe"]
    resources = ["*"]
  }
  statement {
    sid = "Scaling"
    actions = [
      "application-autoscaling:DeleteScalingPolicy", "application-autoscaling:DeregisterScalableTarget",
      "application-autoscaling:PutScalingPolicy", "application-autoscaling:RegisterScalableTarget",
      "application-autoscaling:TagResource", "application-autoscaling:UntagResource",
    ]
    resources = ["arn:aws:application-autoscaling:${local.here}:scalable-target/*"]
  }
  statement {
    sid = "Watching"
    actions = [
      "cloudwatch:DeleteAlarms", "cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard", "cloudwatch:PutMetricAlarm",
      "cloudwatch:TagResource", "cloudwatch:UntagResource",
      "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
      "sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:UntagResource",
    ]
    resources = [
      "arn:aws:cloudwatch:${local.here}:alarm:mfh-${each.key}-*",
      "arn:aws:cloudwatch:${local.here}:alarm:TargetTracking-service/mfh-${each.key}/*",
      "arn:aws:cloudwatch::${local.account}:dashboard/mfh-${each.key}",
      "arn:aws:logs:${local.here}:log-group:/mfh/${each.key}/*",
      "arn:aws:sns:${local.here}:mfh-${each.key}-alarms",
    ]
  }
  statement {
    sid = "Balancer"
    actions = [
      "elasticloadbalancing:AddTags", "elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateLoadBalancer",
      "elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:DeleteListener", "elasticloadbalancing:DeleteLoadBalancer",
      "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyListenerAttributes",
      "elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:ModifyTargetGroup",
      "elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:RemoveTags", "elasticloadbalancing:SetSecurityGroups",
      "elasticloadbalancing:SetSubnets",
    ]
    resources = [
      for kind in ["loadbalancer/app", "listener/app", "targetgroup"] : "arn:aws:elasticloadbalancing:${local.here}:${kind}/mfh-${each.key}-*"
    ]
  }
  statement {
    sid       = "State"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.state.arn}/mfh/${each.key}/*"]
  }
  statement {
    sid       = "Lock"
    actions   = ["s3:DeleteObject"]
    resources = ["${aws_s3_bucket.state.arn}/mfh/${each.key}/*.tflock"]
  }
}

# By action and account, not by name: tables and buckets of the platform have names of their own.
data "aws_iam_policy_document" "services" {
  #checkov:skip=CKV_AWS_356:A boundary grants nothing; a role has what both its own policy and this one allow.
  #checkov:skip=CKV_AWS_108:As above.
  #checkov:skip=CKV_AWS_111:As above.
  statement {
    sid = "Data"
    actions = [
      "dynamodb:DeleteItem", "dynamodb:DescribeStream", "dynamodb:GetItem", "dynamodb:GetRecords", "dynamodb:GetShardIterator",
      "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem",
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
      "ecs:UpdateTaskProtection", "kms:Decrypt", "kms:GenerateDataKey", "logs:CreateLogStream", "logs:PutLogEvents",
      "s3:GetObject", "s3:PutObject", "ses:GetEmailIdentity", "ses:SendEmail",
      "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage",
    ]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "aws:ResourceAccount"
      values   = [local.account]
    }
  }
  # These take no resource, so there is none whose account could be compared.
  statement {
    sid       = "NoResource"
    actions   = ["dynamodb:ListStreams", "ecr:GetAuthorizationToken"]
    resources = ["*"]
  }
  statement {
    sid     = "Parameters"
    actions = ["ssm:GetParameter", "ssm:GetParametersByPath"]
    resources = [
      "arn:aws:ssm:${local.here}:parameter/mfh/*",
      "arn:aws:ssm:${local.here}:parameter/myfusionhelper/*",
    ]
  }
  # keap_backup writes to buckets of tenants by roles of theirs; no role of this account can be had that way.
  statement {
    sid       = "TenantRoles"
    actions   = ["sts:AssumeRole"]
    resources = ["arn:aws:iam::*:role/*"]
    condition {
      test     = "StringNotEquals"
      variable = "aws:ResourceAccount"
      values   = [local.account]
    }
  }
  statement {
    sid       = "NoStates"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
  }
}
