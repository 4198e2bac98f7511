"""Short names of the points of a sweep."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Labels:
    """Names points by the swept leaves that vary among them."""

    parameters: list[dict[str, str]]  # of each point, values by path

    def varying(self) -> list[str]:
        """Paths of leaves with more than one value. Of leaves that change together all are kept:
        which of them matters is for the reader to say."""
        return [path for path in self.parameters[0] if len(self._values(path)) > 1]

    def short(self, path: str) -> str:
        """The end of a path that no other swept leaf has."""
        parts = path.split(".")
        for count in range(1, len(parts)):
            end = ".".join(parts[-count:])
            others = [other for other in self.parameters[0] if other != path]
            if not any(other == end or other.endswith("." + end) for other in others):
                return end
        return path

    def of(self, places: Sequence[int]) -> str:
        """`noise paper, samples 6/9` for one point or several: the values that they have of each
        varying leaf, none where they have all. Points that are no product of values are named one
        by one."""
        if len(places) == len(self.parameters):
            return "all points"
        found = {
            p: list(dict.fromkeys(self.parameters[i][p] for i in places)) for p in self.varying()
        }
        product = {
            place
            for place, point in enumerate(self.parameters)
            if all(point[path] in values for path, values in found.items())
        }
        if product != set(places):
            return " = ".join(self.of([place]) for place in places)
        parts = [
            f"{self.short(path)} {'/'.join(values)}"
            for path, values in found.items()
            if len(values) < len(self._values(path))
        ]
        return ", ".join(parts)

    def note(self) -> str:
        """What short names stand for; empty where nothing varies."""
        short = {path: self.short(path) for path in self.varying()}
        listed = [f"{name} is {path}" for path, name in short.items() if name != path]
        return ", ".join(listed).capitalize() + "." if listed else ""

    def _values(self, path: str) -> set[str]:
        return {point[path] for point in self.parameters}
