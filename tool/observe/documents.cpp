// JSON documents. See documents.hpp.
#include "observe/documents.hpp"

#include <fmt/core.h>

#include <cmath>

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
  const observe::Totals& totals = account.view.totals;
  for (unsigned c = 1; c < account.classes.size(); ++c) {
    const ClassShare& share = account.classes[c];
    if (share.slabs == 0 && totals.estimates.samples[c] == 0) continue;
    list.push_back({{"size", share.size},
                    {"slabs", share.slabs},
                    {"slabs_of_threads", share.owned_slabs},
                    {"live", share.live},
                    {"live_bytes", share.live * share.size},
                    {"room", share.room},
                    {"resident", share.resident},
                    {"free_resident", share.resident - share.live_resident},
                    {"allocated_estimate", std::uint64_t(std::llround(estimated(totals, c)))},
                    {"samples", totals.estimates.samples[c]}});
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

double estimated(const observe::Totals& totals, unsigned c) {
  return double(totals.estimates.blocks[c]) / double(observe::Estimates::unit);
}

std::uint64_t samples(const observe::Totals& totals) {
  return sum(totals.estimates.samples, class_count);
}

Json allocations_document(const observe::Totals& totals) {
  double small = 0;
  double bytes = 0;
  for (unsigned c = 1; c < class_count; ++c) {
    small += estimated(totals, c);
    bytes += estimated(totals, c) * double(size_of_class(c));
  }
  return {{"small_estimate", std::uint64_t(std::llround(small))},
          {"small_bytes_estimate", std::uint64_t(std::llround(bytes))},
          {"samples", samples(totals)},
          {"sampled_every", totals.estimates.mean},
          {"large", sum(totals.allocations.large, large_count_steps)},
          {"refused", totals.refusals}};
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
  document["allocations"] = allocations_document(totals);
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
