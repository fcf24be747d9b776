// The page of a run. See run_page.hpp; what draws it is observe/page/run.js.
#include "observe/run_page.hpp"

#include "observe/page_parts.hpp"
#include "page/shell.hpp"

namespace strata::tool {

std::string run_page(const Json& document) {
  const std::string data = document.dump(-1, ' ', false, Json::error_handler_t::replace);
  return page::html({"strata run", observe::page_style, observe::page_script, data});
}

}  // namespace strata::tool
