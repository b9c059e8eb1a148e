# Keys, indexes, stream and TTL repeat fleet/tables.py; tests/terraform holds the two together.
locals {
  tables = {
    connections               = { key = "connection_id", indexes = { AccountIdIndex = ["account_id"] } }
    platform_connection_auths = { key = "auth_id", indexes = { ConnectionIdIndex = ["connection_id"] } }
    platforms                 = { key = "platform_id", indexes = { SlugIndex = ["slug"] } }
    helpers = {
      key     = "helper_id"
      indexes = { AccountIdIndex = ["account_id"], ShortKeyIndex = ["short_key"] }
    }
    executions = {
      key = "execution_id"
      indexes = {
        AccountIdCreatedAtIndex = ["account_id", "created_at"]
        HelperIdCreatedAtIndex  = ["helper_id", "created_at"]
        ScheduleIndex           = ["schedule_bucket", "not_before"]
      }
    }
    api_keys      = { key = "key_id", indexes = { AccountIdIndex = ["account_id"], KeyHashIndex = ["key_hash"] } }
    router_leases = { key = "lease_key", indexes = {} }
    state         = { key = "state_key", indexes = {} }
  }
  # What the old platform called its tables is kept; only the state table's name has a second word.
  names = {
    for table in keys(local.tables) : table => lookup(
      var.existing_tables, table,
      "mfh-${var.stage}-${table == "state" ? "helper-state" : replace(table, "_", "-")}"
    )
  }
  streamed = toset(["executions"])
  expiring = toset(["executions", "state"])
  created  = { for table, definition in local.tables : table => definition if !contains(keys(var.existing_tables), table) }
}

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_28:On by default; dev goes without (protected = false).
  #checkov:skip=CKV_AWS_119:A customer managed key is an input; without one DynamoDB encrypts with its own.
  for_each = local.created

  name                        = local.names[each.key]
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.key
  deletion_protection_enabled = var.deletion_protection
  stream_enabled              = contains(local.streamed, each.key) ? true : null
  stream_view_type            = contains(local.streamed, each.key) ? "NEW_IMAGE" : null

  dynamic "attribute" {
    for_each = toset(concat([each.value.key], flatten(values(each.value.indexes))))
    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.indexes
    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value[0]
      range_key       = try(global_secondary_index.value[1], null)
      projection_type = "ALL"
    }
  }

  dynamic "ttl" {
    for_each = contains(local.expiring, each.key) ? ["ttl"] : []
    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }

  tags = var.tags
}

data "aws_dynamodb_table" "existing" {
  for_each = var.existing_tables

  name = each.value

  lifecycle {
    postcondition {
      condition     = each.key != "executions" || contains(["NEW_IMAGE", "NEW_AND_OLD_IMAGES"], coalesce(self.stream_view_type, "none"))
      error_message = "existing_tables: ${each.value} has no stream with new images, so nothing would be routed; enable one with StreamViewType NEW_IMAGE."
    }
    postcondition {
      condition     = each.key != "executions" || contains(self.global_secondary_index[*].name, "ScheduleIndex")
      error_message = "existing_tables: ${each.value} has no ScheduleIndex (schedule_bucket, not_before), so scheduled executions would never start; see docs/tables.md."
    }
  }
}
