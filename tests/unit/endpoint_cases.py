#!/usr/bin/env python3
"""Writes endpoint_cases.inc: where botocore (its endpoint rules and partitions) finds each service in each region.

    python3 tests/unit/endpoint_cases.py > tests/unit/endpoint_cases.inc

A botocore of 2026 or newer is wanted: older ones know fewer partitions.
"""
import itertools

import botocore
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from botocore.loaders import Loader

SERVICES = ["ssm", "iam", "sts", "s3", "ec2", "sso", "sso-oidc"]
# Regions that no table knows yet, but a prefix tells their partition.
NEW_REGIONS = ["us-east-9", "cn-south-9", "us-gov-north-9", "us-iso-south-9", "us-isob-south-9", "eu-isoe-south-9",
               "us-isof-north-9", "eusc-de-west-9", "xx-moon-1"]
DEFAULTS = {
    "sts": {"UseGlobalEndpoint": False},
    "s3": {"Accelerate": False, "UseGlobalEndpoint": False, "DisableMultiRegionAccessPoints": False,
           "ForcePathStyle": False, "UseArnRegion": True, "DisableS3ExpressSessionAuth": False},
}


def main():
    loader = Loader()
    partitions = loader.load_data("partitions")
    regions = [region for partition in partitions["partitions"] for region in partition["regions"]
               if not region.endswith("-global")]
    print("/* Made by endpoint_cases.py with botocore %s. service, region, fips, dual stack, URL, signing region */"
          % botocore.__version__)
    for service in SERVICES:
        provider = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for region, fips, dual in itertools.product(regions + NEW_REGIONS, [False, True], [False, True]):
            try:
                endpoint = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual,
                                                     **DEFAULTS.get(service, {}))
            except EndpointProviderError:
                print('{"%s", "%s", %d, %d, NULL, NULL},' % (service, region, fips, dual))
                continue
            schemes = endpoint.properties.get("authSchemes") or [{}]
            print('{"%s", "%s", %d, %d, "%s", "%s"},' % (service, region, fips, dual, endpoint.url,
                                                         schemes[0].get("signingRegion", region)))


main()
