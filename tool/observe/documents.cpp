// JSON documents. See documents.hpp.
#include "observe/documents.hpp"

#include <fmt/core.h>

namespace strata::tool {
namespace {

Json resident(const Account& account) {
  Json parts = {{"total", account.total()}, {"process", account.resident_by_kernel}};
  for (unsigned i = 0; i < part_count; ++i) {
    parts[name_of(Part(i)).name] = account.parts.bytes[i];
  }
  return parts;
}

Json classes(const Account& account) {
  Json list = Json::array();
  for (const ClassShare& share : account.classes) {
    if (share.slabs == 0) continue;
    list.push_back({{"size", share.size},
                    {"slabs", share.slabs},
                    {"slabs_of_threads", share.owned_slabs},
                    {"live", share.live},
                    {"live_bytes", share.live * share.size},
                    {"room", share.room},
                    {"resident", share.resident},
                    {"free_resident", share.resident - share.live_resident}});
  }
  return list;
}

Json threads(const Account& account) {
  Json list = Json::array();
  for (const ThreadShare& share : account.threads) {
    list.push_back({{"number", share.number},
                    {"name", share.name},
                    {"slabs", share.slabs},
                    {"live_bytes", share.live_bytes},
                    {"cached_bytes", share.cached_bytes},
                    {"stack_bytes", share.stack_bytes},
                    {"large_allocated", share.large_blocks}});
  }
  return list;
}

std::uint64_t sum(const std::uint64_t* counts, unsigned count) {
  std::uint64_t total = 0;
  for (unsigned i = 0; i < count; ++i) total += counts[i];
  return total;
}

}  // namespace

Json large_sizes_document(const ThreadCounts& counts) {
  Json list = Json::array();
  for (unsigned i = 0; i < large_count_steps; ++i) {
    if (counts.large[i] == 0) continue;
    Json entry = {{"from", (largest_small << i) + 1}};
    if (i + 1 < large_count_steps) entry["to"] = largest_small << (i + 1);
    entry["allocated"] = counts.large[i];
    list.push_back(entry);
  }
  return list;
}

Json statistics_document(const Account& account) {
  const observe::Totals& totals = account.view.totals;
  const observe::Settings& settings = account.view.settings;
  Json document;
  document["process"] = {{"number", account.process},
                         {"command", account.command},
                         {"threads", account.kernel_threads},
                         {"library", account.release},
                         {"observed_for", account.age}};
  document["resident"] = resident(account);
  document["peak_resident"] = account.peak_resident;
  document["swapped"] = account.swapped;
  document["in_huge_pages"] = account.huge_pages;
  document["live"] = {
      {"bytes", account.live_bytes()},       {"small_bytes", totals.small_live_bytes},
      {"large_blocks", totals.large_blocks}, {"large_bytes", totals.large_bytes},
      {"huge_blocks", totals.huge_blocks},   {"huge_bytes", totals.huge_bytes}};
  document["addresses"] = {{"reserved", totals.reserved_bytes},
                           {"committed", totals.committed_bytes}};
  document["purge"] = {{"bytes", totals.purged_bytes + totals.thinned_bytes},
                       {"free_slots_bytes", totals.purged_bytes},
                       {"in_slabs_bytes", totals.thinned_bytes},
                       {"calls", totals.purges},
                       {"limit", settings.dirty_limit},
                       {"limit_now", settings.dirty_limit_now},
                       {"delay", settings.purge_delay},
                       {"worker_runs", settings.worker_runs != 0}};
  document["allocations"] = {{"large", sum(totals.allocations.large, large_count_steps)},
                             {"refused", totals.refusals}};
  document["classes"] = classes(account);
  document["large_sizes"] = large_sizes_document(totals.allocations);
  document["threads"] = threads(account);
  // The process's own heap is the only one there is.
  document["heaps"] = Json::array({{{"name", "process"},
                                    {"live_bytes", account.live_bytes()},
                                    {"resident", account.parts.heap()}}});
  return document;
}

void print_document(const Json& document) {
  fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace strata::tool
