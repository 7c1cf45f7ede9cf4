"""What was looked at, and what to do if it is not well."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`detail` and `advice` are sentences for people."""

    part: str
    ok: bool
    detail: str
    advice: str = ""

    def line(self) -> str:
        """As a command prints it; the advice, where it is needed, on a line of its own."""
        line = f"{'ok  ' if self.ok else 'FAIL'}  {self.part:<22} {self.detail}"
        return line if self.ok or not self.advice else f"{line}\n      {'':<22} → {self.advice}"
