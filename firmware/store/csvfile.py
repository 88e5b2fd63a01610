"""Extensions from a CSV file, checked row by row before any of them is added."""

import csv
import io

from firmware.store.checks import MAX_EXTENSIONS, check, check_secret, invalid, new_secret
from firmware.store.errors import Invalid
from firmware.store.model import Extension, new_id

COLUMNS = ("number", "name", "secret", "aliases")


def parse(text: str, tenant: str) -> list[tuple[int, Extension]]:
    """Return the extensions with their rows; the titles are row 1, comma or semicolon separates.

    Raises Invalid at the first row that cannot be accepted.
    """
    text = text.removeprefix("\ufeff")
    titles_end = text.find("\n") if "\n" in text else len(text)
    separator = ";" if ";" in text[:titles_end] else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found: list[tuple[int, Extension]] = []
    seen: dict[str, int] = {}
    try:
        titles = [title.strip().lower() for title in next(rows, [])]
        if "number" not in titles or len(set(titles)) < len(titles) or not set(titles) <= set(COLUMNS):
            raise invalid(f"the first row must name the columns, out of: {', '.join(COLUMNS)}", "row", 1)
        for cells in rows:
            if any(cell.strip() for cell in cells):
                found.append((rows.line_num, _extension(titles, cells, tenant, rows.line_num)))
                _note_numbers(seen, *found[-1])
            if len(found) > MAX_EXTENSIONS:
                raise Invalid(f"there can be at most {MAX_EXTENSIONS} extensions", field="number")
    except csv.Error:
        raise invalid("this is no row of a CSV file", "row", rows.line_num) from None
    return found


def _extension(titles: list[str], cells: list[str], tenant: str, row: int) -> Extension:
    if len(cells) > len(titles):
        raise invalid("there are more cells than titles", "row", row)
    values = dict(zip(titles, (cell.strip() for cell in cells), strict=False))
    secret = values.get("secret", "")
    if secret:
        check_secret(secret, row)
    extension = Extension(
        new_id(),
        tenant,
        values.get("number", ""),
        values.get("name", ""),
        secret or new_secret(),
        tuple(values.get("aliases", "").split()),
    )
    check(extension, row)
    return extension


def _note_numbers(seen: dict[str, int], row: int, extension: Extension) -> None:
    for number in (extension.number, *extension.aliases):
        if number in seen:
            raise invalid(f"the number or an alias stands in row {seen[number]} already", "number", row)
        seen[number] = row
