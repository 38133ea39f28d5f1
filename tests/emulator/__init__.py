"""A strict, fast emulator of the parts of AWS that ssm-enforce meets, for tests, benchmarks and the demo.

    with Emulator() as emulator:
        emulator.world.add_session(owner="alice", age=60)
        subprocess.run([...], env=emulator.env())
        emulator.world.log.operations()

Every request's signature is computed again with botocore's signer, its parameters are checked against botocore's
service models, and what does not fit is refused as AWS refuses it.
"""

from .server import Emulator
from .world import World

__all__ = ["Emulator", "World"]
