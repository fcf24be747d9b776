"""The tables on the terminal."""

import textwrap

from . import figures


def megabytes(kib):
    return "-" if kib is None else f"{kib / 1024:.1f}" if kib < 102400 else f"{kib / 1024:.0f}"


def seconds(value):
    return "-" if value is None else f"{value:.3f}"


def ratio(value):
    return "-" if value is None else f"{value:.2f}"


def count(value):
    if value is None:
        return "-"
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / limit * (10 if unit == 'k' else 1):.3g}{unit}"
    return f"{value:.0f}"


def grid(title, head, rows):
    """Columns as wide as their content, the first to the left, the others to the right."""
    table = [head] + rows
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    out = [title] if title else []
    for number, row in enumerate(table):
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        out.append("  ".join(cells).rstrip())
        if number == 0:
            out.append("  ".join("-" * width for width in widths))
    return "\n".join(out) + "\n"


def metric_table(result, names, metric, title, show):
    """Value and ratio to the best peer, line by line; geometric means at the bottom."""
    rows = []
    for line in result["lines"]:
        row = [line["name"]]
        for name in names:
            cell = line["cells"][name]
            row.append("failed" if cell.get(metric) is None and cell.get("error") else
                       f"{show(cell.get(metric))} {ratio(line['ratio'][metric].get(name)):>5}")
        if metric == "time":
            row.append("-" if line["noise"] is None else f"{line['noise']:.2f}")
            row.append(f"{line['cells']['strata'].get('time_spread', 0):.0%}")
        rows.append(row)
    extra = ["", ""] if metric == "time" else []
    for group, means in result["means"].get(metric, {}).items():
        rows.append([f"mean: {group}"] + [ratio(means.get(name)) for name in names] + extra)
    head = ["line"] + names + (["noise", "spread"] if metric == "time" else [])
    return grid(title, head, rows)


def median_table(result, names):
    """What the least time leaves out: the median over the rounds, and how far they were apart."""
    rows = [[line["name"]] + ["-" if line["cells"][n].get("time") is None else
                              f"{line['cells'][n]['time_median']:.3f} {line['cells'][n]['time_spread']:4.0%}"
                              for n in names] for line in result["lines"]]
    return grid("TIME, median of the rounds in seconds, and distance between the quartiles", ["line"] + names, rows)


def counts_table(result, names):
    """Page faults and system calls of the whole run."""
    rows = [[line["name"]] + [f"{count(line['cells'][n].get('faults'))} / "
                              f"{count(line['cells'][n].get('system_calls'))}" for n in names]
            for line in result["lines"]]
    return grid("PAGE FAULTS / SYSTEM CALLS of the whole run", ["line"] + names, rows)


def value(row, number):
    if number is None:
        return "-"
    return (f"{number / 1024:.1f} MB" if row["unit"] == "KiB" and number >= 1024 else
            f"{number:.1f}%" if row["unit"] == "%" else f"{number:.0f} {row['unit']}")


def memory_table(rows, names):
    body = [[row["about"]] + [value(row, row["values"].get(n)) for n in names] +
            [value(row, row["target"])] for row in rows]
    return grid("MEMORY KEPT", ["scenario"] + names + ["wanted"], body)


def scaling_tables(plots, names):
    out = []
    for plot in plots:
        rows = [[count(point)] + ["-" if plot["nanoseconds"][n][i] is None else
                                  f"{plot['nanoseconds'][n][i]:.1f}" for n in names]
                for i, point in enumerate(plot["points"])]
        out.append(grid(f"NANOSECONDS PER OPERATION against {plot['axis']}", [plot["axis"]] + names, rows))
    return "\n".join(out)


def verdict_rows(result):
    """Heading and rows: each group of lines, and Strata's mean over that of the best peer, named."""
    rows = [[f"{group} ({max(head['lines'] for head in heads.values() if head)} lines)"] + [
        f"{head['ratio']:.3f} {head['against']}" if head else "-" for head in heads.values()]
        for group, heads in result["by_group"].items() if any(heads.values())]
    return ["group"] + [words for _, _, words, _ in figures.VERDICTS], rows


def verdict(result):
    """The plain words: how far ahead or behind, where Strata loses, and how noisy it was."""
    if not any(line["best_peer"] for line in result["lines"]):
        return "There was no peer to compare Strata with."
    out = [grid("STRATA'S GEOMETRIC MEAN over the best peer's: below 1 is ahead", *verdict_rows(result))]
    noise = result["noise"]
    if noise:
        out.append(f"noise: a peer against itself differs by {noise['median'] - 1:.1%} in the median line, "
                   f"{noise['ninth_decile'] - 1:.1%} in the ninth decile, {noise['worst'] - 1:.1%} at worst; "
                   f"{noise['above_1.05']} of {noise['lines']} lines above 5%")
    if not result["losses"]:
        out.append("Strata loses no line by more than 5%.")
    else:
        out.append("Strata loses by more than 5% to the best peer on:")
        for loss in result["losses"]:
            note = f", within this line's noise of {loss['noise']:.2f}" if loss["within_noise"] else ""
            out.append(f"  {loss['ratio']:5.2f}  {loss['metric']:8}  {loss['line']} (best: {loss['against']}{note})")
    return "\n".join(out)


def failures(result):
    """Who could not be measured at all, and what failed on which line."""
    out = [f"left out: {reason}" for reason in result["run"]["left_out"]]
    out += [f"no time for {name}" for name in result.get("missing_lines", [])]
    out += [f"{line['name']} under {name}: {cell['error']}" for line in result["lines"]
            for name, cell in line["cells"].items() if cell.get("error")]
    return "failed:\n" + "\n".join("  " + textwrap.shorten(row, 200) for row in out) if out else ""


def everything(result):
    names = [a["name"] for a in result["allocators"]]
    without_twin = [a["name"] for a in result["allocators"] if a["role"] != "twin"]
    parts = []
    if result["lines"]:
        parts += [
            metric_table(result, names, "time", "TIME, seconds (least of the rounds) and ratio to the best peer",
                         seconds),
            median_table(result, without_twin),
            metric_table(result, names, "cpu", "CPU TIME, seconds (least) and ratio to the best peer", seconds),
            metric_table(result, names, "peak_kib", "PEAK RSS, MB (median) and ratio to the best peer", megabytes),
            metric_table(result, names, "end_kib", "RSS AT THE END, all freed, MB (median) and ratio", megabytes),
            counts_table(result, without_twin),
        ]
    if result.get("memory"):
        parts.append(memory_table(result["memory"], without_twin))
    if result.get("scaling"):
        parts.append(scaling_tables(result["scaling"], without_twin))
    if result["lines"]:
        parts.append(verdict(result))
    parts.append(failures(result))
    return "\n".join(part for part in parts if part)
