// Writing trace files.
#include "trace/writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "trace/bytes.hpp"

namespace strata::trace {
namespace {

// Large enough to compress well, small enough to keep one a thread.
constexpr std::uint32_t events_per_chunk = 16384;
// Level 1: the next ones take twice the time for a few percent.
constexpr int compression_level = 1;

// All of it or nothing, but for what an error leaves behind; 0 or errno.
int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(file, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return wrote < 0 ? errno : ENOSPC;
    bytes.remove_prefix(std::size_t(wrote));
  }
  return 0;
}

template <class Struct>
std::string_view as_bytes(const Struct& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

Writer::Writer(const std::string& path, bool with_sites) : path_(path) {
  file_ = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) throw TraceError("cannot write " + path + ": " + std::strerror(errno));
  FileHeader header;
  header.wall_clock = std::uint64_t(
      std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count());
  header.flags = with_sites ? 1 : 0;
  if (const int error = write_all(file_, as_bytes(header)); error != 0) {
    close(file_);
    throw TraceError("cannot write " + path + ": " + std::strerror(error));
  }
  bytes_ = sizeof header;
  compressor_ = ZSTD_createCCtx();
}

Writer::~Writer() {
  ZSTD_freeCCtx(compressor_);
  close(file_);
}

void Writer::write_chunk(ChunkHeader header, std::string_view stored) {
  if (!failure_.empty()) {
    events_dropped_ += header.events;
    return;
  }
  header.stored = std::uint32_t(stored.size());
  header.check = check_of(header, stored);
  std::string bytes(as_bytes(header));
  bytes += stored;
  if (const int error = write_all(file_, bytes); error != 0) {
    failure_ = "cannot write " + path_ + ": " + std::strerror(error);
    events_dropped_ += header.events;
    // Half a chunk would do no harm, but a whole end is neater. Pipes cannot be cut.
    if (ftruncate(file_, off_t(bytes_)) == 0) lseek(file_, off_t(bytes_), SEEK_SET);
    return;
  }
  bytes_ += bytes.size();
  events_ += header.events;
}

void Writer::process(const ProcessRecord& process) {
  std::string out;
  put_number(out, process.pid);
  put_number(out, process.parent_pid);
  put_number(out, process.start);
  put_text(out, process.executable);
  put_number(out, process.command.size());
  for (const std::string& word : process.command) put_text(out, word);
  ChunkHeader header;
  header.type = ChunkType::process;
  header.process = process.number;
  write_chunk(header, out);
}

void Writer::module(std::uint32_t process, const Module& module) {
  std::string out;
  put_number(out, module.begin);
  put_number(out, module.end);
  put_number(out, module.offset);
  put_text(out, module.path);
  ChunkHeader header;
  header.type = ChunkType::module;
  header.process = process;
  write_chunk(header, out);
}

void Writer::events(std::uint32_t process, std::uint32_t thread, std::span<const Event> events) {
  ColumnWriter& columns = threads_[{process, thread}];
  for (const Event& event : events) {
    columns.add(event);
    if (columns.count() == events_per_chunk) write_events({process, thread}, columns);
  }
}

void Writer::write_events(ThreadKey key, ColumnWriter& columns) {
  if (columns.count() == 0) return;
  ChunkHeader header;
  header.type = ChunkType::events;
  header.process = key.first;
  header.thread = key.second;
  header.events = columns.count();
  const std::string raw = columns.take();
  std::string stored(ZSTD_compressBound(raw.size()), '\0');
  const std::size_t size = ZSTD_compressCCtx(compressor_, stored.data(), stored.size(), raw.data(),
                                             raw.size(), compression_level);
  if (ZSTD_isError(size) != 0) throw TraceError(ZSTD_getErrorName(size));
  header.raw = std::uint32_t(raw.size());
  write_chunk(header, {stored.data(), size});
}

void Writer::end_thread(std::uint32_t process, std::uint32_t thread) {
  const auto found = threads_.find({process, thread});
  if (found == threads_.end()) return;
  write_events(found->first, found->second);
  threads_.erase(found);
}

void Writer::end_process(std::uint32_t process, std::uint64_t lost, std::uint64_t processor_time) {
  for (auto at = threads_.lower_bound({process, 0});
       at != threads_.end() && at->first.first == process; at = threads_.erase(at)) {
    write_events(at->first, at->second);
  }
  std::string out;
  put_number(out, lost);
  put_number(out, processor_time);
  ChunkHeader header;
  header.type = ChunkType::process_end;
  header.process = process;
  write_chunk(header, out);
}

void Writer::flush() {
  for (auto& [key, columns] : threads_) write_events(key, columns);
}

void Writer::finish() {
  flush();
  std::string out;
  put_number(out, events_);
  ChunkHeader header;
  header.type = ChunkType::end;
  write_chunk(header, out);
}

}  // namespace strata::trace
