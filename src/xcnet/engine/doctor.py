"""What this machine can do, which engine it would use and why, and what to do about what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, computed_field

from xcnet.engine.capabilities import (
    Capability,
    Need,
    native_capabilities,
    program_capabilities,
    uml_capabilities,
    uml_kernel_capabilities,
)
from xcnet.engine.uml_choice import choose_kernel
from xcnet.errors import EngineError

if TYPE_CHECKING:
    from rich.console import RenderableType


class DoctorReport(BaseModel):
    """:param engine: the one that would be used; None if none works. :param reason: why that one, or why none."""

    model_config = ConfigDict(frozen=True)

    engine: str | None
    reason: str
    capabilities: tuple[Capability, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ok(self) -> bool:
        """Whether a lab can be brought up here."""
        return self.engine is not None

    def as_table(self) -> RenderableType:
        """For a terminal."""
        from rich.console import Group
        from rich.markup import escape
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("")
        table.add_column("capability", no_wrap=True)
        table.add_column("seen", ratio=3, overflow="fold")
        table.add_column("what it is for", ratio=2, overflow="fold")
        group = ""
        for each in self.capabilities:
            if each.group != group:
                group = each.group
                table.add_row("", f"[bold]{escape(group)}[/]")
            mark = "[green]yes[/]" if each.found else "[yellow]no[/]" if self.ok else "[red]no[/]"
            table.add_row(mark, escape(each.name), escape(each.detail), f"[dim]{escape(each.purpose)}[/]")
            if each.remedy:
                table.add_row("", "", f"[cyan]-> {escape(each.remedy)}[/]")
        verdict = f"[green]engine {self.engine}[/]" if self.ok else "[bold red]no engine works here[/]"
        return Group(table, Text(), Text.from_markup(f"{verdict}: {escape(self.reason)}"))


def _lacking(capabilities: Iterable[Capability], *needs: Need) -> list[str]:
    return [each.name for each in capabilities if not each.found and each.need in needs]


def doctor_report(forced: str | None = None, progress: Callable[[str], object] = lambda _text: None) -> DoctorReport:
    """Try everything. A user-mode kernel that ``xcnet up`` would fetch is fetched, since it decides the answer.

    :param forced: ``native`` or ``uml``: judge that engine alone.
    """
    progress("trying this machine's kernel")
    native = list(native_capabilities())
    programs = list(program_capabilities())
    progress("trying user-mode kernels")
    no_kernel = ""
    try:
        choose_kernel(progress)
    except EngineError as error:
        no_kernel = error.cause
    kernels, uml = list(uml_kernel_capabilities()), list(uml_capabilities())
    lacking = {
        "native": _lacking([*native, *programs], Need.NATIVE, Need.BOTH),
        # Of several kernels one is enough.
        "uml": [*([no_kernel] if no_kernel else []), *_lacking([*uml, *programs], Need.UML, Need.BOTH)],
    }
    engine, reason = judge(forced, lacking)
    return DoctorReport(engine=engine, reason=reason, capabilities=(*native, *programs, *kernels, *uml))


def judge(forced: str | None, lacking: dict[str, list[str]]) -> tuple[str | None, str]:
    """The engine to use, or None, and why. :param lacking: of each engine, what it lacks here."""
    for engine in [forced] if forced else ["native", "uml"]:
        if lacking[engine]:
            continue
        if engine == "native":
            return engine, "this machine's own kernel can do everything that a lab needs"
        if forced:
            return engine, "a user-mode kernel works here, as this user"
        return engine, f"this machine's own kernel lacks: {', '.join(lacking['native'])}; a user-mode kernel works"
    if forced:
        return None, f"engine {forced} lacks: {', '.join(lacking[forced])}"
    return None, "; ".join(f"{engine} lacks: {', '.join(names)}" for engine, names in lacking.items())


__all__ = ["DoctorReport", "doctor_report", "judge"]
