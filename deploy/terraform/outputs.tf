output "policy_arn" {
  description = "For the instance roles that are not named here. Null where create_policy is false."
  value       = one(aws_iam_policy.this[*].arn)
}

output "document_name" {
  description = "The preferences document."
  value       = aws_ssm_document.preferences.name
}

output "profile" {
  description = "The lines for Linux and Windows."
  value       = local.profile
}
