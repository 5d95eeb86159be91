"""What somebody was told last against what is: the one rule of every invitation and due date."""

from collections.abc import Hashable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class Steps(NamedTuple, Generic[K]):
    """What has to be said, each in the order of what is."""

    fresh: list[K]
    """Was never told, or was told last that it is off."""
    changed: list[K]
    gone: list[K]
    """Was told, and is no longer for this person."""

    def __bool__(self) -> bool:
        return bool(self.fresh or self.changed or self.gone)


def compare(told: Mapping[K, Any], wanted: Mapping[K, Any]) -> Steps[K]:
    """Compare what was `told` last (None: that it is off) with what is `wanted` now.

    Nothing is planned ahead, so changes that follow each other quickly are one step, and what was taken back
    before anybody heard of it is none.
    """
    heard = {key: value for key, value in told.items() if value is not None}
    return Steps(
        fresh=[key for key in wanted if key not in heard],
        changed=[key for key in wanted if key in heard and heard[key] != wanted[key]],
        gone=[key for key in heard if key not in wanted],
    )
