<powershell>
# Installs ssm-enforce from S3 at boot. The instance role needs s3:GetObject on the bucket.
# What was there before stays where it is if anything fails.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12

$bucket = '@BUCKET@'; $region = '@REGION@'; $endpoint = '@ENDPOINT@'; $path = '@PATH@'
switch ($env:PROCESSOR_ARCHITECTURE) {
    'AMD64' { $key = '@KEY_X86_64@'; $sha256 = '@SHA256_X86_64@' }
    'ARM64' { $key = '@KEY_AARCH64@'; $sha256 = '@SHA256_AARCH64@' }
}

function Test-Checksum($file) {
    (Get-FileHash -Algorithm SHA256 -LiteralPath $file).Hash -eq $sha256
}

# Without the AWS Tools: a request signed here, with the instance role's credentials (IMDSv2).
function Get-WithSignature($file) {
    $imds = 'http://169.254.169.254/latest'
    $token = Invoke-RestMethod -Method Put -Uri "$imds/api/token" -TimeoutSec 5 `
        -Headers @{ 'X-aws-ec2-metadata-token-ttl-seconds' = '300' }
    $with = @{ 'X-aws-ec2-metadata-token' = $token }
    $roles = "$imds/meta-data/iam/security-credentials/"
    $role = (Invoke-RestMethod -Uri $roles -Headers $with -TimeoutSec 5).Split("`n")[0]
    $keys = Invoke-RestMethod -Uri ($roles + $role) -Headers $with -TimeoutSec 5

    $utf8 = [Text.Encoding]::UTF8
    $sha = [Security.Cryptography.SHA256]::Create()
    $hex = { param($bytes) ([BitConverter]::ToString($bytes) -replace '-', '').ToLower() }
    $name = ([Uri]$endpoint).Authority
    $now = [DateTime]::UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'")
    $scope = "$($now.Substring(0, 8))/$region/s3/aws4_request"
    $empty = & $hex $sha.ComputeHash([byte[]]@())
    $names = 'host;x-amz-content-sha256;x-amz-date;x-amz-security-token'
    $canonical = "GET`n/$bucket/$key`n`nhost:$name`nx-amz-content-sha256:$empty`nx-amz-date:$now`n" +
        "x-amz-security-token:$($keys.Token)`n`n$names`n$empty"
    $toSign = "AWS4-HMAC-SHA256`n$now`n$scope`n" + (& $hex $sha.ComputeHash($utf8.GetBytes($canonical)))
    $signing = $utf8.GetBytes('AWS4' + $keys.SecretAccessKey)
    foreach ($part in $scope.Split('/') + $toSign) {
        $hmac = New-Object Security.Cryptography.HMACSHA256 -ArgumentList @(, $signing)
        $signing = $hmac.ComputeHash($utf8.GetBytes($part))
    }
    $client = New-Object Net.WebClient
    $client.Headers.Add('x-amz-content-sha256', $empty)
    $client.Headers.Add('x-amz-date', $now)
    $client.Headers.Add('x-amz-security-token', $keys.Token)
    $client.Headers.Add('Authorization', "AWS4-HMAC-SHA256 Credential=$($keys.AccessKeyId)/$scope, " +
        "SignedHeaders=$names, Signature=$(& $hex $signing)")
    $client.DownloadFile("$endpoint/$bucket/$key", $file)
}

function Get-Executable($file) {
    if (Get-Command Read-S3Object -ErrorAction SilentlyContinue) {
        try { Read-S3Object -BucketName $bucket -Key $key -File $file -Region $region | Out-Null; return } catch { }
    }
    Get-WithSignature $file
}

# A program that runs can be renamed, but not overwritten.
function Install-Executable($new) {
    $old = "$path.old"
    Remove-Item -LiteralPath $old -Force -ErrorAction SilentlyContinue
    $had = Test-Path -LiteralPath $path
    if ($had) { Move-Item -LiteralPath $path -Destination $old -Force }
    try { Move-Item -LiteralPath $new -Destination $path -Force }
    catch {
        if ($had) { Move-Item -LiteralPath $old -Destination $path -Force }
        throw
    }
    Remove-Item -LiteralPath $old -Force -ErrorAction SilentlyContinue
}

if (-not $key) { throw "ssm-enforce: nothing was published for $env:PROCESSOR_ARCHITECTURE" }
if ((Test-Path -LiteralPath $path) -and (Test-Checksum $path)) { Write-Output "ssm-enforce: $path is up to date"; return }
New-Item -ItemType Directory -Force -Path (Split-Path -Parent $path) | Out-Null
$new = "$path.$([Guid]::NewGuid().ToString('N')).exe"
try {
    foreach ($pause in 1, 2, 5, 10, 20, 30, 0) {
        try {
            Get-Executable $new
            if (-not (Test-Checksum $new)) { throw "s3://$bucket/$key is not what was published" }
            & $new --version | Out-Null
            if (-not $?) { throw "$new does not run" }
            Install-Executable $new
            Write-Output "ssm-enforce: installed $path"
            return
        } catch { $why = $_ }
        Start-Sleep -Seconds $pause
    }
    throw "ssm-enforce: $path is as it was: $why"
} finally { Remove-Item -LiteralPath $new -Force -ErrorAction SilentlyContinue }
</powershell>
