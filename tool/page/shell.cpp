// Putting a page together. See shell.hpp.
#include "page/shell.hpp"

#include "page/in_script.hpp"
#include "page/parts.hpp"

namespace strata::page {
namespace {

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '<') safe += "&lt;";
    if (letter == '&') safe += "&amp;";
    if (letter != '<' && letter != '&') safe += letter;
  }
  return safe;
}

}  // namespace

std::string html(const Contents& contents) {
  std::string all = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>)";
  all += escaped(contents.title);
  all += "</title>\n<style>";
  for (const std::string_view text : {uplot_style, style, contents.style}) all += text;
  all += "</style></head><body><main></main>\n<script>";
  all += uplot_script;
  all += "</script>\n<script>'use strict';\nconst data = ";
  all += tool::in_script(std::string(contents.data));
  all += ";\n";
  for (const std::string_view text : {script, contents.script}) all += text;
  all += "</script></body></html>\n";
  return all;
}

}  // namespace strata::page
