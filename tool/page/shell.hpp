// The shell of every page that the command writes: one HTML file that needs no network and no
// server, light and dark, from a phone's width up. What is in it is the page's own script's to draw,
// with what page/common.js has for all: element making, figures in words, curves by uPlot.
#pragma once

#include <string>
#include <string_view>

namespace strata::page {

struct Contents {
  std::string_view title;   // of the window
  std::string_view style;   // beyond page/style.css
  std::string_view script;  // finds `data`, and an empty <main>
  std::string_view data;    // JSON
};

std::string html(const Contents& contents);

}  // namespace strata::page
