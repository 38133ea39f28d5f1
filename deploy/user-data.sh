#!/bin/sh
# Installs ssm-enforce from S3 at boot. The instance role needs s3:GetObject on the bucket.
# What was there before stays where it is if anything fails.
set -eu
umask 022

bucket='@BUCKET@' region='@REGION@' endpoint='@ENDPOINT@' path='@PATH@'
case $(uname -m) in
x86_64) key='@KEY_X86_64@' sha256='@SHA256_X86_64@' ;;
aarch64 | arm64) key='@KEY_AARCH64@' sha256='@SHA256_AARCH64@' ;;
*) key='' sha256='' ;;
esac

say() {
    echo "ssm-enforce: $1" >&2
}

has_checksum() {
    echo "$sha256  $1" | sha256sum -c - >/dev/null 2>&1
}

if [ -z "$key" ]; then
    say "nothing was published for $(uname -m)"
    exit 1
fi
if [ -f "$path" ] && has_checksum "$path"; then
    say "$path is up to date"
    exit 0
fi

mkdir -p "$(dirname "$path")"
new=$(mktemp "$path.XXXXXX")
trap 'rm -f "$new"' EXIT

# AWS's images bring the AWS command line. Elsewhere cloud-init has brought Python.
fetch_with_aws() {
    command -v aws >/dev/null 2>&1 &&
        aws s3 cp --only-show-errors --region "$region" --endpoint-url "$endpoint" "s3://$bucket/$key" - >"$new"
}

fetch_with_python() {
    python3 - "$bucket" "$region" "$endpoint" "$key" >"$new" <<'END'
import datetime, hashlib, hmac, json, os, sys, urllib.parse, urllib.request

bucket, region, endpoint, key = sys.argv[1:]
imds = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254").rstrip("/") + "/latest/"
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def metadata(path, headers, method="GET"):
    request = urllib.request.Request(imds + path, headers=headers, method=method)
    return direct.open(request, timeout=5).read().decode()


token = {"X-aws-ec2-metadata-token":
         metadata("api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "300"}, "PUT")}
roles = "meta-data/iam/security-credentials/"
keys = json.loads(metadata(roles + metadata(roles, token).split()[0], token))

url = urllib.parse.urlsplit(endpoint)
path = "/" + bucket + "/" + urllib.parse.quote(key)
now = datetime.datetime.utcnow().strftime("%Y%m%dT%H%M%SZ")
scope = "%s/%s/s3/aws4_request" % (now[:8], region)
headers = {"host": url.netloc, "x-amz-content-sha256": hashlib.sha256(b"").hexdigest(), "x-amz-date": now,
           "x-amz-security-token": keys["Token"]}
names = ";".join(sorted(headers))
canonical = "\n".join(["GET", path, ""] + ["%s:%s" % one for one in sorted(headers.items())] +
                      ["", names, headers["x-amz-content-sha256"]])
to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
signing = ("AWS4" + keys["SecretAccessKey"]).encode()
for part in scope.split("/") + [to_sign]:
    signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
    keys["AccessKeyId"], scope, names, signing.hex())
request = urllib.request.Request("%s://%s%s" % (url.scheme, url.netloc, path), headers=headers)
sys.stdout.buffer.write(urllib.request.urlopen(request, timeout=60).read())
END
}

# The network and the role may need a moment at boot.
for pause in 1 2 5 10 20 30 0; do
    if { fetch_with_aws || fetch_with_python; } && has_checksum "$new"; then
        chmod 0755 "$new"
        "$new" --version >/dev/null || { say "$new does not run" && exit 1; }
        mv -f "$new" "$path"
        say "installed $path"
        exit 0
    fi
    sleep "$pause"
done
say "s3://$bucket/$key could not be fetched, or is not what was published; $path is as it was"
exit 1
