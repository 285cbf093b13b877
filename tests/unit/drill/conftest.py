"""Benches for the drill's own tests; `--hypothesis-profile=long` lets more happen in any order."""

from hypothesis import settings

from tests.unit.rotation.conftest import bench

settings.register_profile("long", max_examples=2000)
__all__ = ["bench"]
