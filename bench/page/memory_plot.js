// Bars of what stays resident after everything or nearly everything was freed, one group a scenario.
//
// Drawn on the bench's page and, by picture.js, as the README's picture: the caller brings the colours.

const scenarios = [
  ["idle_owners", "left_later", "640 MB of 16 sleeping threads,\nfreed by another"],
  ["burst", "left", "256 MB of large blocks,\nall freed"],
  ["sparse", "left_after_90", "148 MB of mixed sizes,\na random 90% freed"],
  ["sparse", "left_after_all", "the same,\nall freed"],
];

export function memoryOption(report, names, colour, look) {
  const rows = scenarios.map(([scenario, figure, words]) => ({
    words, found: report.memory.find((row) => row.scenario === scenario && row.figure === figure),
  })).filter((row) => row.found).reverse();
  return {
    ...look,
    grid: { left: 200, right: 60, top: 40, bottom: 40 },
    legend: { ...look.legend, data: names },
    xAxis: look.axis({ type: "value", name: "MB still resident", nameLocation: "middle", nameGap: 24, splitNumber: 3 }),
    yAxis: look.axis({
      type: "category", data: rows.map((row) => row.words), axisTick: { show: false },
      axisLabel: { color: look.textStyle.color, lineHeight: 16 },
    }),
    series: names.map((name) => ({
      name, type: "bar", barCategoryGap: "28%", barGap: "12%", itemStyle: { color: colour(name) },
      data: rows.map((row) => (row.found.values[name] == null ? null : row.found.values[name] / 1024)),
      label: {
        show: true, position: "right", color: look.textStyle.color, fontSize: 11,
        fontWeight: name === "strata" ? "bold" : "normal",
        formatter: ({ value }) => (value == null ? "" : value < 10 ? value.toFixed(1) : value.toFixed(0)),
      },
    })),
  };
}

// Height that gives every bar room.
export function memoryHeight(names) {
  return 70 + scenarios.length * (names.length * 14 + 26);
}
