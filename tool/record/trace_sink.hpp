// Puts what the collector takes into a trace: ticks become nanoseconds, and calling places get the
// files they are in.
#pragma once

#include <map>
#include <vector>

#include "record/collector.hpp"
#include "record/tick_clock.hpp"
#include "trace/writer.hpp"

namespace strata::record {

class TraceSink : public Sink {
 public:
  TraceSink(trace::Writer& writer, bool first_only, bool with_sites)
      : writer_(writer), first_only_(first_only), with_sites_(with_sites) {}

  void process_began(const ProcessInfo& info) override;
  void took(std::uint32_t process, std::uint32_t thread, std::span<const Event> events) override;
  void thread_gone(std::uint32_t process, std::uint32_t thread) override;
  void process_gone(std::uint32_t process, std::uint64_t events_lost,
                    std::uint64_t processor_time) override;

  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  [[nodiscard]] std::uint32_t processes() const { return processes_; }

 private:
  struct Mapped {
    std::uint32_t pid = 0;
    std::map<std::uint64_t, std::uint64_t> ends;  // of modules, by beginning
    std::uint64_t unknown = 0;                    // a place that no file holds: not asked for twice
  };

  [[nodiscard]] bool wanted(std::uint32_t process) const { return !first_only_ || process == 0; }
  void find_module(std::uint32_t process, std::uint64_t address);
  void list_modules(std::uint32_t process);

  trace::Writer& writer_;
  bool first_only_;
  bool with_sites_;
  TickClock clock_;
  std::uint64_t last_ticks_ = 0;
  std::uint64_t last_time_ = 0;
  std::vector<trace::Event> batch_;
  std::map<std::uint32_t, Mapped> mapped_;  // by process
  std::uint64_t lost_ = 0;
  std::uint32_t processes_ = 0;
};

}  // namespace strata::record
