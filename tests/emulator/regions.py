"""Which regions the account has enabled: EC2 DescribeRegions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import AwsError

if TYPE_CHECKING:
    from .aws import Call
    from .world import World


class State:
    """The enabled regions are `world.regions`; `disabled` ones are known and not opted in."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.disabled = ["ap-east-1", "me-south-1"]
        self.handlers = {"DescribeRegions": self.describe}

    def describe(self, call: Call) -> dict[str, Any]:
        """EC2 DescribeRegions."""
        if call.params.get("Filters") or call.params.get("RegionNames"):
            raise AwsError("InvalidParameterValue", "the emulator knows no filters of DescribeRegions")
        suffix = "amazonaws.com.cn" if self.world.partition == "aws-cn" else "amazonaws.com"
        names = [(name, "opt-in-not-required") for name in self.world.regions]
        if call.params.get("AllRegions"):
            names += [(name, "not-opted-in") for name in self.disabled]
        return {
            "Regions": [
                {"RegionName": name, "Endpoint": f"ec2.{name}.{suffix}", "OptInStatus": status}
                for name, status in names
            ]
        }
