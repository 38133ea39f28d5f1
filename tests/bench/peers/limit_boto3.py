"""boto3 does it all, with up to eight terminations at once. Usage: limit_boto3.py MAX"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import boto3
from botocore.config import Config
from botocore.utils import InstanceMetadataRegionFetcher

region, instance = os.environ.get("AWS_REGION"), os.environ.get("AWS_SSM_INSTANCE_ID")
if not region or not instance:

    class Identity(InstanceMetadataRegionFetcher):
        """The instance identity document."""

        def retrieve(self):
            reply = self._get_request(
                url_path="latest/dynamic/instance-identity/document",
                retry_func=self._default_retry,
                token=self._fetch_metadata_token(),
            )
            return json.loads(reply.text)

    identity = Identity(base_url=os.environ["AWS_EC2_METADATA_SERVICE_ENDPOINT"])
    document = identity.retrieve()
    region, instance = document["region"], document["instanceId"]

ssm = boto3.client("ssm", region_name=region, endpoint_url=os.environ["AWS_ENDPOINT_URL"],
                   config=Config(max_pool_connections=8))  # fmt: skip
pages = ssm.get_paginator("describe_sessions").paginate(
    State="Active", Filters=[{"key": "Target", "value": instance}], PaginationConfig={"PageSize": 200}
)
sessions = sorted((one for page in pages for one in page["Sessions"]), key=lambda one: (one["Owner"], one["StartDate"]))
over = []
for _, group in groupby(sessions, key=lambda one: one["Owner"]):
    of_owner = list(group)
    over += of_owner[: max(0, len(of_owner) - int(sys.argv[1]))]
if over:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: ssm.terminate_session(SessionId=one["SessionId"]), over))
