# The same as deploy/cloudformation.yaml: one module a region.

data "aws_partition" "this" {}
data "aws_caller_identity" "this" {}
data "aws_region" "this" {}

locals {
  # Later versions of the provider call it `region`.
  region = data.aws_region.this.id

  # The texts that the program itself pushes.
  defaults = jsondecode(file("${path.module}/../preferences.json"))
  policy   = replace(replace(file("${path.module}/../policy.json"), "@PARTITION@", data.aws_partition.this.partition), "@ACCOUNT@", data.aws_caller_identity.this.account_id)

  profile = {
    linux   = coalesce(var.linux_profile, local.linux_lines[var.on_failure])
    windows = coalesce(var.windows_profile, local.windows_lines[var.on_failure])
  }
}

resource "aws_ssm_document" "preferences" {
  name            = var.document_name
  document_type   = "Session"
  document_format = "JSON"
  content = jsonencode(merge(local.defaults, {
    inputs = merge(local.defaults.inputs, var.preferences, { shellProfile = local.profile })
  }))
}

resource "aws_iam_policy" "this" {
  count       = var.create_policy ? 1 : 0
  name        = var.policy_name
  description = "What ssm-enforce needs on an instance."
  policy      = local.policy
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each   = var.create_policy ? var.instance_roles : toset([])
  role       = each.value
  policy_arn = aws_iam_policy.this[0].arn
}

resource "aws_ssm_association" "installation" {
  count               = var.package_name == null ? 0 : 1
  association_name    = "ssm-enforce"
  name                = "AWS-ConfigureAWSPackage"
  schedule_expression = var.package_schedule
  max_concurrency     = "10%"
  max_errors          = "10%"
  compliance_severity = "HIGH"

  parameters = {
    action           = "Install"
    installationType = "In-place update"
    name             = var.package_name
  }

  targets {
    key    = var.package_target.key
    values = var.package_target.values
  }
}
