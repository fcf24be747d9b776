def write(target, report, source, work): return " (no page yet)"
