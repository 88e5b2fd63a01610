"""The import-linter contract "only": these outside modules are for those modules of ours, for no others."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


def stands_in(module: str, allowed: Iterable[str]) -> bool:
    """Tell whether a module is one of the allowed ones or lies inside one; `*` is a wildcard."""
    return any(fnmatchcase(module, entry) or fnmatchcase(module, f"{entry}.*") for entry in allowed)


class OnlyContract(Contract):
    """Direct imports of `external` modules are for the modules under `allowed`."""

    type_name = "only"

    external = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Collect every direct import by a module that is not allowed."""
        # The linter replaces each field by its parsed value before it calls this.
        allowed = cast("list[str]", self.allowed)
        broken = [
            (importer, external, detail["line_number"])
            for external in cast("list[str]", self.external)
            if external in graph.modules
            for importer in sorted(graph.find_modules_that_directly_import(external))
            if not stands_in(importer, allowed)
            for detail in graph.get_import_details(importer=importer, imported=external)
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line per offending import."""
        for importer, external, line in check.metadata["broken"]:
            output.print_error(f"{importer} is not allowed to import {external} (line {line})", bold=False)
