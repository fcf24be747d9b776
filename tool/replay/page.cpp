// The page of comparisons. See page.hpp; what draws it is replay/page/compare.js.
#include "replay/page.hpp"

#include "page/shell.hpp"
#include "replay/page_parts.hpp"
#include "replay/report.hpp"

namespace strata::replay {

std::string html(const std::vector<Comparison>& comparisons) {
  return page::html({"strata compare", page_style, page_script, to_json(comparisons)});
}

}  // namespace strata::replay
