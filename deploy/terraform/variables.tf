variable "max_sessions" {
  description = "Sessions that one owner may hold on an instance."
  type        = number
  default     = 3

  validation {
    condition     = var.max_sessions >= 1 && var.max_sessions <= 100000 && floor(var.max_sessions) == var.max_sessions
    error_message = "The limit is a whole number from 1 to 100000."
  }
}

variable "on_failure" {
  description = "Whether a session goes on when the limit can't be enforced: allow or deny."
  type        = string
  default     = "allow"

  validation {
    condition     = contains(["allow", "deny"], var.on_failure)
    error_message = "One of allow and deny."
  }
}

variable "linux_path" {
  description = "Where the executable lies on Linux. The .deb and .rpm packages put it at /usr/bin/ssm-enforce."
  type        = string
  default     = "/usr/local/bin/ssm-enforce"

  validation {
    condition     = can(regex("^/[A-Za-z0-9_./-]*[A-Za-z0-9_-]$", var.linux_path))
    error_message = "An absolute path without blanks and what a shell would expand."
  }
}

variable "windows_path" {
  description = "Where the executable lies on Windows."
  type        = string
  default     = "C:\\Program Files\\ssm-enforce\\ssm-enforce.exe"

  validation {
    condition     = can(regex("^[A-Za-z]:\\\\[A-Za-z0-9_.() \\\\-]*[A-Za-z0-9_-]$", var.windows_path))
    error_message = "An absolute path without quotes."
  }
}

variable "linux_profile" {
  description = "Replaces the whole Linux line where other options are wanted ('ssm-enforce deploy --dry-run' shows it). Null: the line for max_sessions."
  type        = string
  default     = null
}

variable "windows_profile" {
  description = "The same for Windows."
  type        = string
  default     = null
}

variable "preferences" {
  description = "Fields of the Session Manager preferences that differ from deploy/preferences.json, by name: s3BucketName, kmsKeyId, ..."
  type        = any
  default     = {}
}

variable "document_name" {
  description = "The preferences document."
  type        = string
  default     = "SSM-SessionManagerRunShell"
}

variable "create_policy" {
  description = "IAM is not regional: false in all regions of an account but one."
  type        = bool
  default     = true
}

variable "policy_name" {
  description = "The policy that instance roles need."
  type        = string
  default     = "SSMConcurrentSessionsPolicy"
}

variable "instance_roles" {
  description = "Names of instance roles to attach the policy to."
  type        = set(string)
  default     = []
}

variable "package_name" {
  description = "Name (or ARN, where it is shared) of the Distributor package that State Manager installs. Null: none."
  type        = string
  default     = null
}

variable "package_schedule" {
  description = "How often State Manager looks whether the package is there and up to date."
  type        = string
  default     = "rate(1 day)"
}

variable "package_target" {
  description = "The instances that get it."
  type        = object({ key = string, values = list(string) })
  default     = { key = "InstanceIds", values = ["*"] }
}
