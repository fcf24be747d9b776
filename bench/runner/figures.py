"""Turns runs into figures: minima, medians, spreads, ratios, geometric means, losses.

Time is the minimum over the rounds (noise only ever adds), with its median and spread beside it;
memory is the median. A line's ratio is to
the best PEER on that line, so a ratio below one means better than every peer. The twin's ratio to
itself is the line's noise: how far two measurements of the same program were apart.
"""

import math
import statistics

LOSS = 1.05


def geometric_mean(values):
    values = [value for value in values if value]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def spread(values):
    """Distance between the quartiles, as a share of the median."""
    middle = statistics.median(values)
    if len(values) < 2 or not middle:
        return 0.0
    if len(values) < 4:
        return (max(values) - min(values)) / middle
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / middle


def median_of(runs, name):
    values = [run[name] for run in runs if run.get(name) is not None]
    return statistics.median(values) if values else None


def cell_figures(cell):
    """One allocator on one line: from its runs, its traced run and its system calls."""
    runs = cell["runs"]
    if not runs:
        return {"error": cell.get("error", "not run")}
    times = [run["time"] for run in runs]
    cpus = [run["cpu"] for run in runs]
    first = runs[0]  # the one in which memory was sampled
    figures = {
        "time": min(times), "time_median": statistics.median(times), "time_spread": spread(times),
        "cpu": min(cpus), "cpu_median": statistics.median(cpus),
        "peak_kib": median_of(runs, "peak_kib"), "end_kib": median_of(runs, "end_kib"),
        "settled_kib": first.get("settled_kib"),
        "faults": median_of(runs, "faults"), "system_calls": cell.get("system_calls"),
        "operations": median_of(runs, "operations"), "times": times, "curve": first["curve"],
    }
    if runs[-1].get("misaligned"):
        figures["error"] = f"{runs[-1]['misaligned']:.0f} blocks not aligned as asked (measured all the same)"
    if cell.get("trace_error"):
        figures["error"] = "system calls are not counted: " + cell["trace_error"]
    if cell.get("error"):
        figures["error"] = cell["error"]
    return figures


def line_figures(line, cells, allocators):
    """A line with its ratios to the best peer, and its noise."""
    figures = {name: cell_figures(cell) for name, cell in cells.items()}
    peers = [a.name for a in allocators if a.role == "peer"]
    result = {"name": line.name, "group": line.group, "about": line.about, "cells": figures,
              "ratio": {}, "best_peer": {}, "noise": None}
    for metric in ("time", "cpu", "peak_kib", "end_kib", "settled_kib"):
        known = {name: figures[name][metric] for name in peers if figures[name].get(metric)}
        result["ratio"][metric] = {}
        if not known:
            continue
        best = min(known, key=known.get)
        result["best_peer"][metric] = best
        for name, cell in figures.items():
            if cell.get(metric):
                result["ratio"][metric][name] = cell[metric] / known[best]
    twin = next((a for a in allocators if a.role == "twin"), None)
    if twin is not None:
        pair = [figures[name].get("time") for name in (twin.name, twin.name.removesuffix(" again"))]
        if all(pair):
            result["noise"] = max(pair) / min(pair)
    return result


def group_means(lines, allocators, metric):
    """Geometric mean of each allocator's ratio, per group, over the lines that all of them have.

    One that fails on more than half of a group's lines has no mean there: else it would take those
    lines from the others'.
    """
    means = {}
    groups = ["all"] + list(dict.fromkeys(line["group"] for line in lines))
    for group in groups:
        ratios = [line["ratio"][metric] for line in lines if group in ("all", line["group"])]
        names = [a.name for a in allocators if sum(a.name in r for r in ratios) * 2 > len(ratios)]
        complete = [r for r in ratios if all(name in r for name in names)]
        if names and complete:
            means[group] = {"lines": len(complete), **{
                name: geometric_mean([r[name] for r in complete]) for name in names}}
    return means


def headline(means, allocators, fast_only, group="all"):
    """Strata's mean over the best peer's mean: a group's one figure. Below 1 is better."""
    overall = means.get(group, {})
    peers = [a.name for a in allocators
             if a.role == "peer" and a.name in overall and (a.is_fast or not fast_only)]
    if not peers or "strata" not in overall:
        return None
    best = min(peers, key=lambda name: overall[name])
    return {"ratio": overall["strata"] / overall[best], "against": best, "lines": overall["lines"]}


# What a group's verdict compares: key, metric, words, and whether only the fast peers count.
VERDICTS = (("time", "time", "time", False), ("cpu", "cpu", "CPU time", False),
            ("peak", "peak_kib", "peak RSS", False),
            ("peak_fast", "peak_kib", "peak RSS, fast peers", True))


def losses(lines):
    """Lines where Strata is more than 5% behind the best peer, worst first, and whether noise explains it."""
    noises = [line["noise"] for line in lines if line["noise"]]
    usual = statistics.median(noises) if noises else 1.0
    found = []
    for metric, label in (("time", "time"), ("peak_kib", "peak RSS")):
        for line in lines:
            ratio = line["ratio"][metric].get("strata")
            if ratio and ratio > LOSS:
                noise = max(line["noise"] or 1.0, usual) if metric == "time" else 1.0
                found.append({"line": line["name"], "metric": label, "ratio": ratio,
                              "against": line["best_peer"][metric], "noise": noise,
                              "within_noise": metric == "time" and ratio <= LOSS * noise})
    return sorted(found, key=lambda loss: (loss["metric"] != "time", -loss["ratio"]))


def noise(lines):
    """What the twin says of this run as a whole."""
    values = sorted(line["noise"] for line in lines if line["noise"])
    if not values:
        return None
    return {"median": statistics.median(values), "worst": values[-1],
            "ninth_decile": values[min(len(values) - 1, int(len(values) * 0.9))],
            "above_1.05": sum(value > LOSS for value in values), "lines": len(values)}


def summary(lines, cells, allocators):
    """Everything that tables and page show, ready for JSON. Lines nobody ran are left out."""
    shown = [line_figures(line, cells[line.name], allocators) for line in lines
             if any(cell["runs"] for cell in cells[line.name].values())]
    means = {metric: group_means(shown, allocators, metric)
             for metric in ("time", "cpu", "peak_kib", "end_kib")}
    groups = ["all"] + list(dict.fromkeys(line["group"] for line in shown))
    by_group = {group: {key: headline(means[metric], allocators, fast, group)
                        for key, metric, _, fast in VERDICTS} for group in groups}
    return {"lines": shown, "means": means, "losses": losses(shown), "noise": noise(shown),
            "headline": by_group["all"], "by_group": by_group}
