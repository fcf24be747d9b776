"""The page: one HTML file that needs no network, with the report, its tables and its plots inside.

Tables are plain HTML, so the page tells everything without a script; the plots are drawn in the
reader's browser by ECharts, which npm fetches once into the build folder and esbuild packs together
with bench/page/plots.js. Without npm the page still comes out, and says that its plots need it.
"""

import html
import json
import os
import shutil
import subprocess

from . import text

LOSS, WIN = 1.05, 0.95


def prepare(source, work):
    """Scripts and their library in `work`; returns why that cannot be, or nothing."""
    if not shutil.which("npm"):
        return "the plots need Node.js (npm) when the page is built"
    os.makedirs(work, exist_ok=True)
    for name in ("package.json", "plots.js", "memory_plot.js", "picture.js"):
        shutil.copy(os.path.join(source, name), work)
    if not os.path.isdir(os.path.join(work, "node_modules", "echarts")):
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"],
                              capture_output=True, cwd=work)
        if done.returncode != 0:
            return "npm could not fetch the plotting library"
    return ""


def picture(target, report_file, source, work):
    """What stays resident, as an SVG: the README's picture."""
    trouble = prepare(source, work)
    if trouble:
        raise SystemExit("bench: no picture: " + trouble)
    done = subprocess.run(["node", "picture.js", os.path.abspath(report_file), os.path.abspath(target)],
                          capture_output=True, text=True, cwd=work)
    if done.returncode != 0:
        raise SystemExit("bench: no picture: " + done.stderr[-300:])


def bundle(source, work):
    """plots.js and its library as one script; empty with a reason when it cannot be built."""
    trouble = prepare(source, work)
    if trouble:
        return "", trouble
    done = subprocess.run(["npm", "run", "build"], capture_output=True, text=True, cwd=work)
    if done.returncode != 0:
        return "", "the plots could not be built: " + (done.stderr or done.stdout)[-300:]
    with open(os.path.join(work, "plots.min.js"), encoding="utf-8") as file:
        return file.read(), ""


def escape(value):
    return html.escape(str(value))


def tile(title, value, note, kind=""):
    return f'<div class="tile {kind}">{escape(title)}<b>{escape(value)}</b><span class="faint">{escape(note)}</span></div>'


def tiles(report):
    out = []
    for key, title in (("time", "Time"), ("peak", "Peak memory"), ("peak_fast", "Peak memory, fast peers")):
        head = report["headline"].get(key)
        if head:
            out.append(tile(title, f"{head['ratio']:.3f}", f"of {head['against']}, the best mean of {head['lines']} lines",
                            "win" if head["ratio"] <= 1 else "loss"))
    lost = [loss for loss in report["losses"] if not loss["within_noise"]]
    if report["headline"].get("time"):
        out.append(tile("Lines lost by over 5%", sum(l["metric"] == "time" for l in lost),
                        f"of {len(report['lines'])} in time, beyond noise; {sum(l['metric'] != 'time' for l in lost)} in peak memory",
                        "loss" if lost else "win"))
    if report["noise"]:
        out.append(tile("Noise", f"{report['noise']['median'] - 1:.1%}",
                        f"a peer against itself, median line; {report['noise']['ninth_decile'] - 1:.1%} in the ninth decile"))
    return f'<div class="tiles">{"".join(out)}</div>'


def table(head, rows):
    """Cells are text, or (text, class)."""
    def cell(value, tag):
        content, kind = value if isinstance(value, tuple) else (value, "")
        return f'<{tag} class="{kind}">{content}</{tag}>' if kind else f"<{tag}>{content}</{tag}>"
    body = []
    for row in rows:
        kind, cells = row if isinstance(row, tuple) else ("", row)
        body.append(f'<tr class="{kind}">' + "".join(cell(c, "td") for c in cells) + "</tr>")
    return ('<div class="scroll"><table><thead><tr>' + "".join(cell(c, "th") for c in head) +
            "</tr></thead><tbody>" + "".join(body) + "</tbody></table></div>")


def verdict(ratio, name):
    if name != "strata" or ratio is None:
        return ""
    return "strata loss" if ratio > LOSS else "strata win" if ratio < WIN else "strata"


def metric_table(report, names, metric, show):
    rows = []
    for line in report["lines"]:
        row = [f'<span title="{escape(line["about"])}">{escape(line["name"])}</span>']
        for name in names:
            cell, ratio = line["cells"][name], line["ratio"][metric].get(name)
            value = "failed" if cell.get("error") and cell.get(metric) is None else show(cell.get(metric))
            row.append((f"{value} <small>{text.ratio(ratio)}</small>", verdict(ratio, name)))
        if metric == "time":
            row += ["-" if line["noise"] is None else f"{line['noise']:.2f}",
                    f"{line['cells']['strata'].get('time_spread', 0):.0%}"]
        rows.append(row)
    for group, means in report["means"].get(metric, {}).items():
        rows.append(("mean", [f"mean: {escape(group)} ({means['lines']})"] + [
            (text.ratio(means.get(name)), "strata" if name == "strata" else "") for name in names] +
            (["", ""] if metric == "time" else [])))
    head = ["line"] + [(escape(n), "strata" if n == "strata" else "") for n in names]
    return table(head + (["noise", "spread"] if metric == "time" else []), rows)


def median_table(report, names):
    def cell(figures):
        return "-" if figures.get("time") is None else (
            f"{figures['time_median']:.3f} <small>{figures['time_spread']:.0%}</small>")
    return table(["line"] + [escape(n) for n in names], [
        [escape(line["name"])] + [cell(line["cells"][n]) for n in names] for line in report["lines"]])


def counts_table(report, names, metric):
    return table(["line"] + [escape(n) for n in names], [
        [escape(line["name"])] + [text.count(line["cells"][n].get(metric)) for n in names] for line in report["lines"]])


def verdicts(report):
    """Strata's mean over the best peer's, by group of lines."""
    head, rows = text.verdict_rows(report)
    def cell(value):
        ratio = value.split()[0]
        return value if ratio == "-" else (escape(value), "win" if float(ratio) <= 1 else "loss")
    return table([escape(words) for words in head], [[escape(row[0])] + [cell(v) for v in row[1:]] for row in rows])


def losses(report):
    """Two tables side by side: in time, with the noise of the line, and in peak memory."""
    if not report["losses"]:
        return "<p>On no line is Strata more than 5% behind the best peer.</p>"
    in_time = [loss for loss in report["losses"] if loss["metric"] == "time"]
    in_memory = [loss for loss in report["losses"] if loss["metric"] != "time"]
    def row(loss, *more):
        return [escape(loss["line"]), (f"{loss['ratio']:.2f}", "" if loss["within_noise"] else "loss"),
                escape(loss["against"]), *more]
    def noise(loss):
        return f"{loss['noise']:.2f}" + (", not beyond it" if loss["within_noise"] else "")
    parts = [table([f"time: {len(in_time)} lines", "ratio", "best peer", "noise"],
                   [row(loss, noise(loss)) for loss in in_time])] if in_time else []
    if in_memory:
        parts.append(table([f"peak memory: {len(in_memory)} lines", "ratio", "best peer"],
                           [row(loss) for loss in in_memory]))
    return f'<div class="two">{"".join(parts)}</div>'


def memory(report, names):
    rows = []
    for row in report["memory"]:
        cells = [escape(row["about"])]
        for name in names:
            value = row["values"].get(name)
            kind = ""
            if name == "strata":
                kind = "strata"
                if value is not None and row["target"] is not None:
                    kind += " win" if value <= row["target"] else " loss"
            cells.append((text.value(row, value), kind))
        rows.append(cells + [text.value(row, row["target"])])
    return table(["scenario"] + [escape(n) for n in names] + ["wanted"], rows)


def section(title, about, content):
    return f'<section><h2>{escape(title)}</h2><p class="faint">{escape(about)}</p>{content}</section>'


def plot(name, has_plots, style=""):
    return f'<div class="plot" id="{name}" style="{style}"></div>' if has_plots else ""


def curve_section(report, has_plots):
    """Lines that idle at their end come first in the list, those with most memory before the others."""
    with_curve = [line for line in report["lines"] if any(cell.get("curve") for cell in line["cells"].values())]
    if not with_curve or not has_plots:
        return ""
    def interest(line):
        strata = line["cells"]["strata"]
        return strata.get("settled_kib") is None, -(strata.get("peak_kib") or 0)
    with_curve.sort(key=interest)
    choices = "".join(f"<option>{escape(line['name'])}</option>" for line in with_curve)
    return section("Memory over time", "Resident memory of one run; unless this is a quick look, workloads then idle "
                   "for a while with all their blocks freed: the tail shows what comes back by itself.",
                   f'<label>Line: <select id="curve-line">{choices}</select></label>' + plot("curve", True))


def body(report, has_plots, note):
    names = [a["name"] for a in report["allocators"] if a["role"] != "twin"]
    run, machine = report["run"], report["machine"]
    out = ["<h1>Strata beside its peers</h1>",
           f'<p class="faint">{escape(run["when"])}: {run["rounds"]} round{"s" * (run["rounds"] != 1)} at scale {run["scale"]:g} in '
           f'{run["seconds"] // 60} min {run["seconds"] % 60} s on {escape(machine["processor"])}, {machine["cores"]} cores, '
           f'{machine["memory_kib"] / 1048576:.0f} GB, {escape(machine["system"])}, kernel {escape(machine["kernel"])}'
           f'{"; a quick look, not a measurement" if run["quick"] else ""}. '
           f'Load before it began: {run["load_before"]:.1f}.</p>']
    if note:
        out.append(f'<p class="faint">No plots: {escape(note)}.</p>')
    out.append(tiles(report))
    if report["lines"] and any(line["best_peer"] for line in report["lines"]):
        out.append(section("Group by group", "Strata's geometric mean over that of the best peer, which is named: "
                           "below 1 is ahead.", verdicts(report)))
        out.append(section("Where Strata loses", "Every line more than 5% behind the best peer on that line, in time or peak "
                           "memory. Noise is what a peer measured twice differs from itself on the line.", losses(report)))
    if report["lines"]:
        ratios = "Ratio to the best peer of each line: left of 1 is better than every peer. The dashed line is 1.05."
        out.append(section("Time", ratios + " Least of the rounds, seconds.", plot("plot-time", has_plots) +
                           "<details open><summary>table</summary>" + metric_table(report, names, "time", text.seconds) + "</details>"))
        out.append(section("Peak memory", ratios + " Largest resident memory, MB, median.", plot("plot-peak", has_plots) +
                           "<details><summary>table</summary>" + metric_table(report, names, "peak_kib", text.megabytes) + "</details>"))
    if report.get("memory"):
        out.append(section("Memory kept", "Resident memory in situations where allocators keep what they do not use.",
                           plot("plot-memory", has_plots) + memory(report, names)))
    out.append(curve_section(report, has_plots))
    if report.get("scaling"):
        plots = "".join(plot("plot-" + p["name"], has_plots) for p in report["scaling"])
        tables = "".join(table([p["axis"]] + [escape(n) for n in names], [
            [text.count(point)] + ["-" if p["nanoseconds"][n][i] is None else f"{p['nanoseconds'][n][i]:.1f}" for n in names]
            for i, point in enumerate(p["points"])]) + "<br>" for p in report["scaling"])
        out.append(section("Does cost grow as it should?", "Nanoseconds per operation against live blocks, threads and size; "
                           "both axes logarithmic.", f'<div class="two">{plots}</div><details {"" if has_plots else "open"}>'
                           f"<summary>tables</summary>{tables}</details>"))
    if report["lines"]:
        more = "".join(f"<details><summary>{title}</summary>{content}</details>" for title, content in (
            ("time, median of the rounds in seconds, and distance between the quartiles",
             median_table(report, names)),
            ("CPU time, seconds (least)", metric_table(report, names, "cpu", text.seconds)),
            ("memory at the end, all freed, MB", metric_table(report, names, "end_kib", text.megabytes)),
            ("page faults", counts_table(report, names, "faults")),
            ("system calls", counts_table(report, names, "system_calls"))))
        out.append(section("More", "Everything else that was measured on each line.", more))
        failed = text.failures(report)
        if failed:
            out.append(section("Failed", "Who was left out, and what did not run.",
                               f"<pre>{escape(failed.partition(chr(10))[2])}</pre>"))
    libraries = table(["allocator", "library"], [[escape(a["name"]), escape(a["path"] or "the C library's own")]
                                                 for a in report["allocators"]])
    out.append(section("What was measured", "Time is the least of all rounds, memory the median; allocators stand side by "
                       "side in every round, in turning order. Means are geometric, over the lines all allocators ran.", libraries))
    return "\n".join(out)


def write(target, report, source, work):
    """Writes the page; returns what to add to its name on the terminal."""
    script, note = bundle(source, work)
    with open(os.path.join(source, "page.css"), encoding="utf-8") as file:
        css = file.read()
    data = json.dumps(report, separators=(",", ":")).replace("<", "\\u003c")
    # Ends of script elements inside scripts would end them in the page.
    scripts = (f'<script type="application/json" id="report">{data}</script>\n'
               f"<script>{script.replace('</script', '<' + chr(92) + '/script')}</script>") if script else ""
    with open(target, "w", encoding="utf-8") as file:
        file.write(f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
                   f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
                   f"<title>Strata: bench</title>\n<style>{css}</style></head>\n<body><main>\n"
                   f"{body(report, bool(script), note)}\n</main>\n{scripts}</body></html>\n")
    return f" (no plots: {note})" if note else ""
