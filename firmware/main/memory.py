"""How much memory the box holds."""


def proportional(processes: "list[int]") -> int:
    """Return the memory of processes in bytes, shared pages counted once in all (PSS)."""
    total = 0
    for process in processes:
        try:
            with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:
                for line in file:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
        except OSError:
            continue
    return total
