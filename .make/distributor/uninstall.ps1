# Run by the SSM agent in the folder of the unpacked package.
# Take the profile line out first (ssm-enforce undeploy): with --on-failure deny no session starts without the executable.
$ErrorActionPreference = 'Stop'
# A 32-bit PowerShell calls another folder ProgramFiles.
$programs = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$folder = Join-Path $programs 'ssm-enforce'
try {
    if (Test-Path -LiteralPath $folder) { Remove-Item -LiteralPath $folder -Recurse -Force }
    # Where the event viewer finds the messages: registered by the program itself.
    $source = 'HKLM:\SYSTEM\CurrentControlSet\Services\EventLog\Application\ssm-enforce'
    if (Test-Path -LiteralPath $source) { Remove-Item -LiteralPath $source -Recurse -Force }
    Write-Output "ssm-enforce: removed $folder"
} catch {
    [Console]::Error.WriteLine("ssm-enforce: not removed: $($_.Exception.Message)")
    exit 1
}
