// Applies options to the settings of the storeys. See options.hpp.
#include "options/options.hpp"

#include "base/print.hpp"
#include "harden/settings.hpp"
#include "heap/report.hpp"
#include "heap/sample.hpp"
#include "observe/profile_settings.hpp"
#include "options/parse.hpp"
#include "platform/current.hpp"
#include "ranges/settings.hpp"

namespace strata::options {

constinit Values values;

namespace {

struct Option {
  const char* name;
  const char* kind;
  const char* default_value;
  const char* help;
  bool (*apply)(const char* value) noexcept;
};

// The text after `prefix`, or nullptr.
const char* behind(const char* text, const char* prefix) noexcept {
  while (*prefix != 0) {
    if (*text++ != *prefix++) return nullptr;
  }
  return text;
}

// A bad value leaves `result` as it is.
bool to_bytes(const char* text, std::uint64_t least, std::uint64_t most, size_t& result) noexcept {
  std::uint64_t bytes = 0;
  if (!parse_number(text, byte_units, bytes) || bytes < least || bytes > most) return false;
  result = bytes;
  return true;
}

bool apply_reserve(const char* value) noexcept {
  return to_bytes(value, 2 * MiB, 64 * TiB, range_settings.reserve);
}
bool apply_dirty_limit(const char* value) noexcept {
  return to_bytes(value, 0, ~size_t{0}, range_settings.dirty_limit);
}
bool apply_purge_delay(const char* value) noexcept {
  std::uint64_t delay = 0;
  if (!parse_number(value, time_units, delay) || delay > 0x7fffffff) return false;
  range_settings.purge_delay = std::uint32_t(delay);
  return true;
}
bool apply_commit(const char* value) noexcept {
  if (!same_text(value, "lazy") && !same_text(value, "eager")) return false;
  range_settings.provision = same_text(value, "lazy") ? Provision::lazy : Provision::eager;
  return true;
}
bool apply_huge_pages(const char* value) noexcept {
  bool on = false;
  if (!parse_toggle(value, on)) {
    return to_bytes(value, 2 * MiB, RangeSettings::never, range_settings.huge_pages_after);
  }
  range_settings.huge_pages_after = on ? 0 : RangeSettings::never;
  return true;
}
bool apply_worker(const char* value) noexcept { return parse_toggle(value, range_settings.worker); }
bool apply_mode(const char* value) noexcept {
  constexpr const char* names[] = {"default", "hardened", "diagnose"};
  for (unsigned i = 0; i < 3; ++i) {
    if (!same_text(value, names[i])) continue;
    harden::settings.mode = harden::Mode(i);
    return true;
  }
  return false;
}
bool apply_guard_sample(const char* value) noexcept {
  if (same_text(value, "off")) return harden::settings.guard_sample = 0, true;
  return to_bytes(value, 0, ~size_t{0}, harden::settings.guard_sample);
}
bool apply_on_error(const char* value) noexcept {
  if (!same_text(value, "abort") && !same_text(value, "report")) return false;
  heap::report_settings.go_on = same_text(value, "report");
  return true;
}
bool apply_log(const char* value) noexcept {
  if constexpr (requires { Machine::set_report_file(value); }) {
    return Machine::set_report_file(same_text(value, "stderr") ? "" : value);
  }
  return false;
}
bool apply_stats(const char* value) noexcept {
  if (!same_text(value, "exit") && !same_text(value, "off")) return false;
  values.stats_at_exit = same_text(value, "exit");
  return true;
}
bool apply_profile(const char* value) noexcept {
  const size_t length = __builtin_strlen(value);
  if (length >= sizeof observe::profile_settings.path) return false;
  __builtin_memcpy(observe::profile_settings.path, value, length + 1);
  return true;
}
bool apply_profile_mean(const char* value) noexcept {
  return to_bytes(value, 1, heap::sample::largest_mean, observe::profile_settings.mean);
}
bool apply_verbose(const char* value) noexcept { return parse_toggle(value, values.verbose); }
// on, off, or what `strata run` sets: the path of a file that exists already.
bool apply_observe(const char* value) noexcept {
  const bool is_path = behind(value, "/proc/") != nullptr;
  values.board = is_path ? value : nullptr;
  if (!is_path) return parse_toggle(value, values.observe);
  values.observe = true;
  return true;
}

constexpr Option table[] = {
#define STRATA_OPTION(identifier, name, kind, default_value, help) \
  {name, #kind, default_value, help, apply_##identifier},
#include "options/options.def"
#undef STRATA_OPTION
};

const Option* find(const char* name) noexcept {
  for (const Option& option : table) {
    if (same_text(option.name, name)) return &option;
  }
  return nullptr;
}

const char* nearest(const char* name) noexcept {
  const Option* best = &table[0];
  for (const Option& option : table) {
    if (distance(option.name, name) < distance(best->name, name)) best = &option;
  }
  return best->name;
}

void read_entry(const char* entry, Writer warn) noexcept {
  const char* rest = behind(entry, "STRATA_");
  if (rest == nullptr) return;
  // Cut off where it is longer than any option's name: unknown it is in either form.
  char name[32] = {};
  size_t length = 0;
  for (; rest[length] != 0 && rest[length] != '='; ++length) {
    if (length + 1 < sizeof name) name[length] = rest[length];
  }
  if (rest[length] != '=') return;
  const char* value = rest + length + 1;
  const Result result = apply(name, value);
  if (result == Result::applied) return;
  Line line;
  if (result == Result::unknown_name) {
    line.text("strata: warning: unknown option STRATA_").text(name);
    line.text("; did you mean STRATA_").text(nearest(name)).text("?\n");
  } else {
    line.text("strata: warning: bad value \"").text(value, 64).text("\" for STRATA_").text(name);
    line.text("; using the default ").text(find(name)->default_value).text("\n");
  }
  warn(line.c_str(), line.length());
}

}  // namespace

Result apply(const char* name, const char* value) noexcept {
  const Option* option = find(name);
  if (option == nullptr) return Result::unknown_name;
  return option->apply(value) ? Result::applied : Result::bad_value;
}

void read_environment(char** environment, Writer warn) noexcept {
  if (environment == nullptr) return;
  for (; *environment != nullptr; ++environment) read_entry(*environment, warn);
}

void read_secure_environment(char** environment, Writer warn) noexcept {
  if (environment == nullptr) return;
  for (; *environment != nullptr; ++environment) {
    if (behind(*environment, "STRATA_MODE=") != nullptr) read_entry(*environment, warn);
  }
  // Diagnose explains more than such a program should.
  if (harden::settings.mode == harden::Mode::diagnose) {
    harden::settings.mode = harden::Mode::hardened;
  }
}

void for_each(Visitor visit, void* context) noexcept {
  for (const Option& option : table) {
    visit(option.name, option.kind, option.default_value, option.help, context);
  }
}

}  // namespace strata::options
