#!/bin/bash
# The way of the sample that ssm-enforce replaces: the AWS command line lists the sessions, jq picks those over the limit,
# the AWS command line ends them one by one. Usage: sample.sh MAX
set -euo pipefail

imds=${AWS_EC2_METADATA_SERVICE_ENDPOINT%/}
if [ -z "${AWS_REGION-}" ] || [ -z "${AWS_SSM_INSTANCE_ID-}" ]; then
    token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$imds/latest/api/token")
    AWS_SSM_INSTANCE_ID=$(curl -sf -H "X-aws-ec2-metadata-token: $token" "$imds/latest/meta-data/instance-id")
    AWS_REGION=$(curl -sf -H "X-aws-ec2-metadata-token: $token" "$imds/latest/meta-data/placement/region")
    export AWS_REGION
fi
ssm() {
    /usr/bin/aws ssm --endpoint-url "$AWS_ENDPOINT_URL" --output json "$@"
}
sessions=$(ssm describe-sessions --state Active --filters "key=Target,value=$AWS_SSM_INSTANCE_ID")
for id in $(jq -r --argjson max "$1" '.Sessions | group_by(.Owner)[] | sort_by(.StartDate) | .[:(length - $max | if . < 0 then 0 else . end)][].SessionId' <<<"$sessions"); do
    ssm terminate-session --session-id "$id" >/dev/null
done
