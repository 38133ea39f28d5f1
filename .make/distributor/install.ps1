# Run by the SSM agent in the folder of the unpacked package. What was there before stays where it is if anything fails.
$ErrorActionPreference = 'Stop'
$sha256 = '@SHA256@'
# A 32-bit PowerShell calls another folder ProgramFiles.
$programs = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$path = Join-Path $programs 'ssm-enforce\ssm-enforce.exe'
$source = Join-Path $PSScriptRoot 'ssm-enforce.exe'
$new = "$path.$([Guid]::NewGuid().ToString('N')).exe"
$old = "$path.old"

try {
    # The second is that of a 32-bit PowerShell, the first of the system behind it.
    $machine = if ($env:PROCESSOR_ARCHITEW6432) { $env:PROCESSOR_ARCHITEW6432 } else { $env:PROCESSOR_ARCHITECTURE }
    if ($machine -ne 'AMD64') { throw "this package is for AMD64, not for $machine" }
    if (-not (Test-Path -LiteralPath $source)) { throw 'the package holds no executable' }
    New-Item -ItemType Directory -Force -Path (Split-Path -Parent $path) | Out-Null
    Copy-Item -LiteralPath $source -Destination $new
    # Of the copy: what is installed is what was checked.
    $found = (Get-FileHash -Algorithm SHA256 -LiteralPath $new).Hash
    if ($found -ne $sha256) { throw "the executable is truncated or changed: its SHA-256 is $($found.ToLower()), not $sha256" }
    & $new --version | Out-Null
    if ($LASTEXITCODE -ne 0) { throw 'the executable does not run here' }

    # A program that runs can be renamed, but not overwritten.
    Remove-Item -LiteralPath $old -Force -ErrorAction SilentlyContinue
    if (Test-Path -LiteralPath $path) { [IO.File]::Replace($new, $path, $old) }
    else { Move-Item -LiteralPath $new -Destination $path }
    Remove-Item -LiteralPath $old -Force -ErrorAction SilentlyContinue
    Copy-Item -LiteralPath (Join-Path $PSScriptRoot 'LICENSES.txt') -Destination (Split-Path -Parent $path) -Force
    Write-Output "ssm-enforce: installed $(& $path --version) as $path"
} catch {
    $kept = if (Test-Path -LiteralPath $path) { ", $path is as it was" } else { '' }
    [Console]::Error.WriteLine("ssm-enforce: not installed${kept}: $($_.Exception.Message)")
    exit 1
} finally {
    Remove-Item -LiteralPath $new -Force -ErrorAction SilentlyContinue
}
