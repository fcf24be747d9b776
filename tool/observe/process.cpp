// /proc in words. See process.hpp.
#include "observe/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "observe/trouble.hpp"

namespace strata::tool {
namespace {

// The file's text; nothing and errno when it cannot be read.
std::optional<std::string> text_of(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  std::string text;
  char buffer[1 << 16];
  ssize_t got = 0;
  while ((got = ::read(file, buffer, sizeof buffer)) > 0) text.append(buffer, size_t(got));
  const int error = errno;
  ::close(file);
  errno = error;
  if (got < 0) return std::nullopt;
  return text;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// "FIELD:  12 kB" on a line of its own, in bytes.
std::optional<std::uint64_t> bytes_in(const std::string& text, const std::string& field) {
  const size_t at = text.find("\n" + field + ":");
  if (at == std::string::npos) return std::nullopt;
  return std::strtoull(text.c_str() + at + field.size() + 2, nullptr, 10) * 1024;
}

}  // namespace

std::string file_text(const std::string& path) { return text_of(path).value_or(""); }

Process::Process(pid_t number) : number_(number) {
  pidfd_ = int(::syscall(SYS_pidfd_open, number, 0));
  if (pidfd_ < 0 && (errno == ESRCH || errno == EINVAL)) {
    // A thread's number is not a process's.
    if (::access(path("stat").c_str(), F_OK) == 0) {
      throw Trouble("{} is the number of a thread, not of a process", number);
    }
    throw Trouble("there is no process {}", number);
  }
  name_ = trimmed(file_text(path("comm")));
  const char now = state();
  if (now == 'Z' || now == 'X' || now == 0) {
    ::close(pidfd_);
    throw Trouble("{} has ended", title());
  }
}

Process::~Process() {
  if (pidfd_ >= 0) ::close(pidfd_);
}

std::string Process::title() const {
  return name_.empty() ? fmt::format("process {}", number_)
                       : fmt::format("process {} ({})", number_, name_);
}

std::string Process::path(const std::string& name) const {
  return fmt::format("/proc/{}/{}", number_, name);
}

std::string Process::command() const {
  std::string words = file_text(path("cmdline"));
  while (!words.empty() && words.back() == 0) words.pop_back();
  for (char& letter : words) {
    if (letter == 0 || letter == '\n') letter = ' ';
  }
  return words.empty() ? name_ : words;
}

bool Process::has_ended(unsigned milliseconds) const {
  if (pidfd_ < 0) return ::access(path("stat").c_str(), F_OK) != 0;
  pollfd wanted = {pidfd_, POLLIN, 0};
  return ::poll(&wanted, 1, int(milliseconds)) > 0;
}

char Process::state() const {
  const std::string text = file_text(path("stat"));
  const size_t end = text.rfind(") ");  // the name before it may hold anything
  return end == std::string::npos || end + 2 >= text.size() ? char(0) : text[end + 2];
}

std::string Process::owner() const {
  // The folder itself belongs to root when the process may not be looked into.
  const std::string text = file_text(path("status"));
  const size_t at = text.find("\nUid:\t");
  const auto user =
      uid_t(at == std::string::npos ? 0 : std::strtoul(text.c_str() + at + 6, nullptr, 10));
  const passwd* const entry = ::getpwuid(user);
  return entry != nullptr ? entry->pw_name : std::to_string(user);
}

void Process::refuse(int error) const {
  if (has_ended() || error == ENOENT || error == ESRCH) {
    throw Trouble("{} ended while it was looked at", title());
  }
  if (error == EACCES || error == EPERM) {
    const std::string user = owner();
    const passwd* const me = ::getpwuid(::geteuid());
    if (me != nullptr && user == me->pw_name) {
      throw Trouble("{} may be looked into by root alone: it has changed its user or its rights",
                    title());
    }
    throw Trouble("{} belongs to {}: only {} and root may look into it", title(), user, user);
  }
  throw Trouble("{} cannot be looked into: {}", title(), std::strerror(error));
}

std::vector<ThreadName> Process::threads() const {
  std::vector<ThreadName> all;
  DIR* const folder = ::opendir(path("task").c_str());
  if (folder == nullptr) return all;
  while (const dirent* entry = ::readdir(folder)) {
    const auto number = pid_t(std::atoi(entry->d_name));
    if (number <= 0) continue;
    all.push_back({number, trimmed(file_text(path(fmt::format("task/{}/comm", number))))});
  }
  ::closedir(folder);
  return all;
}

std::string Process::read(const std::string& name) const {
  std::optional<std::string> text = text_of(path(name));
  if (!text) refuse(errno);
  return std::move(*text);
}

std::optional<std::uint64_t> Process::status_bytes(const std::string& field) const {
  return bytes_in(file_text(path("status")), field);
}

std::uint64_t Process::resident_bytes() const {
  const std::optional<std::uint64_t> counted = bytes_in(file_text(path("smaps_rollup")), "Rss");
  return counted ? *counted : status_bytes("VmRSS").value_or(0);
}

std::vector<std::string> Process::environment() const {
  std::vector<std::string> all;
  const std::string text = file_text(path("environ"));
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\0', at);
    all.push_back(text.substr(at, end - at));
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return all;
}

}  // namespace strata::tool
