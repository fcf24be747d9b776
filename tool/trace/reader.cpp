// Reading trace files.
#include "trace/reader.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace strata::trace {

namespace {

std::string last_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::string ProcessInTrace::name() const {
  const std::string called = command.empty() ? "" : last_of(command.front());
  return called.empty() ? last_of(executable) : called;
}

std::string ProcessInTrace::command_line() const {
  std::string line;
  for (const std::string& word : command) line += (line.empty() ? "" : " ") + word;
  if (line.size() > 120) line = line.substr(0, 117) + "...";
  for (char& c : line) {
    if (std::uint8_t(c) < ' ') c = ' ';
  }
  return line;
}

std::string ProcessInTrace::place(std::uint64_t address) const {
  for (const Module& module : modules) {
    if (address < module.begin || address >= module.end) continue;
    const std::size_t slash = module.path.rfind('/');
    return fmt::format("{}+{:#x}", module.path.substr(slash == std::string::npos ? 0 : slash + 1),
                       address - module.begin + module.offset);
  }
  return fmt::format("{:#x}", address);
}

bool TraceFile::is_one(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::uint64_t magic = 0;
  file.read(reinterpret_cast<char*>(&magic), sizeof magic);
  return file && magic == FileHeader::right_magic;
}

TraceFile::TraceFile(std::string path) : path_(std::move(path)) {
  const auto refuse = [&](const std::string& why) { throw TraceError(path_ + ": " + why); };
  const int file = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) refuse(std::strerror(errno));
  struct stat status {};
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(file);
    refuse("is no file");
  }
  const auto size = std::size_t(status.st_size);
  if (size < sizeof(FileHeader)) {
    close(file);
    refuse("is no trace: it is too short");
  }
  void* const mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  const int error = errno;
  close(file);
  if (mapped == MAP_FAILED) refuse(std::strerror(error));
  bytes_ = {static_cast<const char*>(mapped), size};
  try {
    std::memcpy(&header_, bytes_.data(), sizeof header_);
    if (header_.magic != FileHeader::right_magic) refuse("is no trace of strata record");
    if (header_.version != FileHeader::right_version) {
      refuse(fmt::format("is a trace of version {}; this strata reads version {}", header_.version,
                         FileHeader::right_version));
    }
    if (header_.size < sizeof header_ || header_.size > size) refuse("its header is damaged");
    list_chunks();
  } catch (...) {
    munmap(mapped, size);
    throw;
  }
}

TraceFile::~TraceFile() { munmap(const_cast<char*>(bytes_.data()), bytes_.size()); }

void TraceFile::damaged(std::uint64_t offset, const std::string& how) const {
  throw TraceError(fmt::format("{}: damaged at byte {}: {}", path_, offset, how));
}

ChunkHeader TraceFile::header_at(std::uint64_t offset) const {
  ChunkHeader header;
  std::memcpy(&header, bytes_.data() + offset, sizeof header);
  return header;
}

std::string_view TraceFile::stored_at(std::uint64_t offset) const {
  const ChunkHeader header = header_at(offset);
  const std::string_view stored = bytes_.substr(offset + sizeof header, header.stored);
  if (check_of(header, stored) != header.check) {
    damaged(offset, "a chunk's check sum does not match");
  }
  return stored;
}

ProcessInTrace& TraceFile::process(std::uint32_t number) {
  const auto [found, is_new] = index_of_.try_emplace(number, processes_.size());
  if (is_new) processes_.emplace_back().number = number;
  return processes_[found->second];
}

void TraceFile::learn(const ChunkHeader& header, std::uint64_t offset) {
  switch (header.type) {
    case ChunkType::process: {
      ByteReader in(stored_at(offset));
      ProcessInTrace& found = process(header.process);
      found.pid = std::uint32_t(in.number());
      found.parent_pid = std::uint32_t(in.number());
      found.start = in.number();
      found.executable = in.text();
      for (std::uint64_t words = in.number(); words != 0; --words) {
        found.command.emplace_back(in.text());
      }
      return;
    }
    case ChunkType::events: {
      ProcessInTrace& found = process(header.process);
      std::vector<std::uint64_t>& list = chunks_[{header.process, header.thread}];
      if (list.empty()) found.threads.push_back(header.thread);
      list.push_back(offset);
      found.events += header.events;
      events_ += header.events;
      return;
    }
    case ChunkType::process_end: {
      ProcessInTrace& found = process(header.process);
      ByteReader in(stored_at(offset));
      found.lost = in.number();
      found.processor_time = in.number();
      found.ended = true;
      return;
    }
    case ChunkType::module: {
      ByteReader in(stored_at(offset));
      Module module;
      module.begin = in.number();
      module.end = in.number();
      module.offset = in.number();
      module.path = in.text();
      process(header.process).modules.push_back(module);
      return;
    }
    case ChunkType::end:
      if (ByteReader(stored_at(offset)).number() != events_) {
        damaged(offset, "events are missing");
      }
      cut_off_.clear();
      return;
  }
  stored_at(offset);  // of a type that a later version knows: passed over, if it is whole
}

void TraceFile::list_chunks() {
  std::uint64_t offset = header_.size;
  while (offset < bytes_.size() && !cut_off_.empty()) {
    const std::uint64_t rest = bytes_.size() - offset;
    const bool whole = rest >= sizeof(ChunkHeader);
    const ChunkHeader header = whole ? header_at(offset) : ChunkHeader{};
    if (whole && (header.magic != ChunkHeader::right_magic || header.stored > longest_chunk ||
                  header.raw > longest_chunk)) {
      damaged(offset, "there should be a chunk");
    }
    if (!whole || rest - sizeof header < header.stored) {
      cut_off_ = fmt::format("the file ends within a chunk, at byte {}", bytes_.size());
      return;
    }
    try {
      learn(header, offset);
    } catch (const TraceError& error) {
      if (std::strstr(error.what(), "damaged at") != nullptr) throw;
      damaged(offset, error.what());
    }
    offset += sizeof header + header.stored;
  }
}

const ProcessInTrace* TraceFile::largest() const {
  const auto found = std::max_element(
      processes_.begin(), processes_.end(),
      [](const ProcessInTrace& a, const ProcessInTrace& b) { return a.events < b.events; });
  return found != processes_.end() && found->events != 0 ? &*found : nullptr;
}

const ProcessInTrace& TraceFile::find(const std::string& what) const {
  const ProcessInTrace* best = nullptr;
  const auto is = [&](const ProcessInTrace& process) {
    if (what.starts_with('#')) return what.substr(1) == std::to_string(process.number);
    return what == std::to_string(process.pid) || what == process.name() ||
           what == process.executable || what == last_of(process.executable);
  };
  for (const ProcessInTrace& process : processes_) {
    if (is(process) && (best == nullptr || process.events > best->events)) best = &process;
  }
  if (best != nullptr) return *best;
  std::string names;
  for (const ProcessInTrace& process : processes_) {
    if (process.events == 0 || names.size() > 200) continue;
    names += fmt::format("{}#{} {}", names.empty() ? "" : ", ", process.number, process.name());
  }
  throw TraceError(fmt::format("{}: no process '{}' in it; there are {}", path_, what, names));
}

TraceFile::Thread::Thread(const TraceFile& file, std::uint32_t process, std::uint32_t thread)
    : file_(&file), chunks_(&file.chunks_.at({process, thread})) {}

std::vector<Event> TraceFile::Thread::next_chunk() {
  return next_ != chunks_->size() ? file_->events_at((*chunks_)[next_++]) : std::vector<Event>();
}

std::vector<Event> TraceFile::events_at(std::uint64_t offset) const {
  const ChunkHeader header = header_at(offset);
  const std::string_view stored = stored_at(offset);
  std::string raw(header.raw, '\0');
  const std::size_t size = ZSTD_decompress(raw.data(), raw.size(), stored.data(), stored.size());
  if (ZSTD_isError(size) != 0) damaged(offset, ZSTD_getErrorName(size));
  try {
    std::vector<Event> events = read_columns({raw.data(), size});
    if (events.size() != header.events) throw TraceError("events are missing");
    return events;
  } catch (const TraceError& error) {
    damaged(offset, error.what());
  }
}

std::uint64_t TraceFile::last_time(const ProcessInTrace& process) const {
  std::uint64_t last = process.start;
  for (const std::uint32_t thread : process.threads) {
    const std::vector<Event> events = events_at(chunks_.at({process.number, thread}).back());
    if (!events.empty()) last = std::max(last, events.back().time);
  }
  return last;
}

}  // namespace strata::trace
