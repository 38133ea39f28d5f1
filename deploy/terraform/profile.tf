# The lines are written by 'make infrastructure' from profiles/.

locals {
  linux_lines = {
    # line: linux allow
    allow = chomp(<<-EOT
      trap '' INT QUIT TSTP; ${var.linux_path} --max ${var.max_sessions} --region ${local.region}; trap - INT QUIT TSTP
    EOT
    )
    # line: linux deny
    deny = chomp(<<-EOT
      trap '' INT QUIT TSTP; ${var.linux_path} --max ${var.max_sessions} --region ${local.region} || { exit; exit; }; trap - INT QUIT TSTP
    EOT
    )
  }

  windows_lines = {
    # line: windows allow
    allow = chomp(<<-EOT
      & '${var.windows_path}' --max ${var.max_sessions} --region ${local.region}
    EOT
    )
    # line: windows deny
    deny = chomp(<<-EOT
      & '${var.windows_path}' --max ${var.max_sessions} --region ${local.region}; if (!$?) { exit }
    EOT
    )
  }
}
