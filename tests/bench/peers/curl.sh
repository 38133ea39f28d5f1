#!/bin/bash
# curl signs and sends, jq reads: one curl for each question whose answer the next one needs, and one for all
# terminations, over one connection. Usage: curl.sh MAX
set -euo pipefail

imds=${AWS_EC2_METADATA_SERVICE_ENDPOINT%/}/latest
token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$imds/api/token")
ask() { curl -sf -H "X-aws-ec2-metadata-token: $token" "$@"; }
role=$(ask "$imds/meta-data/iam/security-credentials/")
answers=$(ask "$imds/meta-data/iam/security-credentials/$role" "$imds/dynamic/instance-identity/document")
read -r key secret session_token < <(jq -r 'select(.AccessKeyId) | "\(.AccessKeyId) \(.SecretAccessKey) \(.Token)"' <<<"$answers")
read -r region instance < <(jq -r 'select(.instanceId) | "\(.region) \(.instanceId)"' <<<"$answers")

call() { # ACTION BODY: as lines of a curl configuration, so that no key is an argument
    printf 'url = "%s/"\nuser = "%s:%s"\naws-sigv4 = "aws:amz:%s:ssm"\nheader = "X-Amz-Security-Token: %s"\n' \
        "$AWS_ENDPOINT_URL" "$key" "$secret" "$region" "$session_token"
    printf 'header = "X-Amz-Target: AmazonSSM.%s"\nheader = "Content-Type: application/x-amz-json-1.1"\n' "$1"
    printf 'cacert = "%s"\nsilent\nfail\ndata = "%s"\n' "$AWS_CA_BUNDLE" "${2//\"/\\\"}"
}
sessions='' next=''
while
    page=$(call DescribeSessions "{\"State\":\"Active\",\"MaxResults\":200,$next\"Filters\":[{\"key\":\"Target\",\"value\":\"$instance\"}]}" | curl -K -)
    sessions+=$page
    next=$(jq -r '.NextToken // empty | "\"NextToken\":\"\(.)\","' <<<"$page")
    [ -n "$next" ]
do :; done
over=$(jq -rs --argjson max "$1" '[.[].Sessions[]] | group_by(.Owner)[] | sort_by(.StartDate) | .[:([length - $max, 0] | max)][].SessionId' <<<"$sessions")
[ -z "$over" ] || for id in $over; do
    call TerminateSession "{\"SessionId\":\"$id\"}"
    echo 'output = "/dev/null"'
    echo next
done | sed '$d' | curl -K -
