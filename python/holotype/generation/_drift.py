"""What differs between the environment of a record and this one."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from holotype.generation._environment import Component, capture_environment

if TYPE_CHECKING:
    from collections.abc import Iterable

Status: TypeAlias = Literal["same", "differs", "missing", "new"]


class EnvironmentDriftWarning(UserWarning):
    """The environment is not the one the record was made in; `report` says what differs."""

    def __init__(self, message: str, report: EnvironmentReport) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class Difference:
    """One component, compared.

    Attributes
    ----------
    id : str
        Such as `torch` or `gpu`.
    status : {"same", "differs", "missing", "new"}
        `missing` here, or `new` here and not in the record.
    severity : {"high", "medium", "low", "info"}
        What a difference means for making the same image again.
    file, current : Component or None
        The component in the record, and here.
    """

    id: str
    status: Status
    severity: str
    file: Component | None
    current: Component | None

    def __str__(self) -> str:
        if self.status == "same":
            return f"Environment component '{self.id}' is the same"
        if self.status == "missing":
            first = f"Environment component '{self.id}' is missing in the current system:"
        elif self.status == "new":
            first = f"Environment component '{self.id}' is missing in the file:"
        else:
            first = f"Environment component '{self.id}' differs:"
        return "\n".join([first, *_line("File", self.file), *_line("Current", self.current)])


def _line(label: str, component: Component | None) -> list[str]:
    if component is None:
        return []
    return [f"{label}: {component.canonical or f'(redacted) sha256={component.sha256}'}"]


@dataclass(frozen=True)
class EnvironmentReport:
    """All components of two environments, compared; true if nothing but `info` differs."""

    components: tuple[Difference, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Those that are not the same."""
        return tuple(found for found in self.components if found.status != "same")

    @property
    def severity(self) -> str | None:
        """The worst severity of a difference; None if there is none."""
        found = {difference.severity for difference in self.differences}
        return next((severity for severity in ("high", "medium", "low", "info") if severity in found), None)

    def __bool__(self) -> bool:
        return self.severity in (None, "info")

    def warn(self, stacklevel: int = 2) -> None:
        """Warn once, naming every difference, unless nothing but `info` differs.

        `stacklevel` is as for `warnings.warn`: 2 is the caller.
        """
        if not self:
            warnings.warn(EnvironmentDriftWarning(str(self), self), stacklevel=stacklevel)

    def __str__(self) -> str:
        return "\n".join(str(difference) for difference in self.differences)


def compare_environments(
    file: Iterable[Component], current: Iterable[Component] | None = None, *, warn: bool = False
) -> EnvironmentReport:
    """Compare the environment of a record with another, by default this one.

    Parameters
    ----------
    file : iterable of Component
        The record's.
    current : iterable of Component, optional
        By default what `capture_environment` finds.
    warn : bool
        Warn once, with one `EnvironmentDriftWarning` that names every difference, if anything but `info`
        differs.
    """
    old = {component.id: component for component in file}
    new = {component.id: component for component in (capture_environment() if current is None else current)}
    found = []
    for id in [*old, *(id for id in new if id not in old)]:
        a, b = old.get(id), new.get(id)
        status: Status = "new" if a is None else "missing" if b is None else "differs"
        if a is not None and b is not None and a.sha256 == b.sha256:
            status = "same"
        known = a or b
        assert known is not None
        found.append(Difference(id, status, known.severity, a, b))
    report = EnvironmentReport(tuple(found))
    if warn:
        report.warn(stacklevel=3)
    return report
