// Reading profile.proto. See read_pprof.hpp.
#include "profile/read_pprof.hpp"

#include <zlib.h>

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <protozero/pbf_message.hpp>
#include <unordered_map>

#include "observe/trouble.hpp"
#include "profile/pprof_fields.hpp"

namespace strata::tool {
namespace {

using namespace pprof;
using protozero::pbf_message;

// All of a gzip file, or of a plain one.
std::string contents(const std::string& path) {
  constexpr size_t most = size_t{1} << 30;
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (file == nullptr) throw Trouble("cannot read {}", path);
  std::string bytes;
  std::array<char, 65536> buffer;
  for (int got = 0; (got = gzread(file.get(), buffer.data(), unsigned(buffer.size()))) != 0;) {
    if (got < 0 || bytes.size() > most) throw Trouble("{} cannot be decompressed", path);
    bytes.append(buffer.data(), size_t(got));
  }
  int error = Z_OK;
  gzerror(file.get(), &error);
  if (error != Z_OK) throw Trouble("{} cannot be decompressed: its end is missing", path);
  return bytes;
}

// Numbers come packed or one by one.
template <class Message, class Number>
void put_numbers(Message& message, std::vector<Number>& into) {
  if (message.wire_type() == protozero::pbf_wire_type::length_delimited) {
    for (const std::int64_t number : message.get_packed_int64()) into.push_back(Number(number));
  } else {
    into.push_back(Number(message.get_int64()));
  }
}

struct RawLabel {
  std::int64_t key = 0;
  std::int64_t text = 0;
  std::int64_t number = 0;
};
struct RawSample {
  std::vector<std::uint64_t> locations;
  std::vector<std::int64_t> values;
  std::vector<RawLabel> labels;
};
struct RawLine {
  std::uint64_t function = 0;
  std::int64_t line = 0;
};
struct RawLocation {
  std::uint64_t id = 0;
  std::uint64_t mapping = 0;
  std::uint64_t address = 0;
  std::vector<RawLine> lines;
};
struct RawFunction {
  std::uint64_t id = 0;
  std::int64_t name = 0;
  std::int64_t file = 0;
};

RawLabel label_from(pbf_message<LabelField> in) {
  RawLabel label;
  while (in.next()) {
    switch (in.tag()) {
      case LabelField::key:
        label.key = in.get_int64();
        break;
      case LabelField::text:
        label.text = in.get_int64();
        break;
      case LabelField::number:
        label.number = in.get_int64();
        break;
      default:
        in.skip();
    }
  }
  return label;
}

RawSample sample_from(pbf_message<SampleField> in) {
  RawSample sample;
  while (in.next()) {
    switch (in.tag()) {
      case SampleField::location_id:
        put_numbers(in, sample.locations);
        break;
      case SampleField::value:
        put_numbers(in, sample.values);
        break;
      case SampleField::label:
        sample.labels.push_back(label_from(in.get_message()));
        break;
      default:
        in.skip();
    }
  }
  return sample;
}

RawLocation location_from(pbf_message<LocationField> in) {
  RawLocation location;
  while (in.next()) {
    switch (in.tag()) {
      case LocationField::id:
        location.id = in.get_uint64();
        break;
      case LocationField::address:
        location.address = in.get_uint64();
        break;
      case LocationField::line: {
        RawLine& line = location.lines.emplace_back();
        for (pbf_message<LineField> one = in.get_message(); one.next();) {
          if (one.tag() == LineField::function) {
            line.function = one.get_uint64();
          } else if (one.tag() == LineField::line) {
            line.line = one.get_int64();
          } else {
            one.skip();
          }
        }
        break;
      }
      default:
        in.skip();
    }
  }
  return location;
}

RawFunction function_from(pbf_message<FunctionField> in) {
  RawFunction function;
  while (in.next()) {
    switch (in.tag()) {
      case FunctionField::id:
        function.id = in.get_uint64();
        break;
      case FunctionField::name:
        function.name = in.get_int64();
        break;
      case FunctionField::file:
        function.file = in.get_int64();
        break;
      default:
        in.skip();
    }
  }
  return function;
}

class Reader {
 public:
  void read(const std::string& bytes) {
    pbf_message<ProfileField> in(bytes);
    while (in.next()) {
      switch (in.tag()) {
        case ProfileField::sample_type: {
          std::int64_t name = 0;
          for (pbf_message<ValueType> type = in.get_message(); type.next();) {
            if (type.tag() == ValueType::type) {
              name = type.get_int64();
            } else {
              type.skip();
            }
          }
          types_.push_back(name);
          break;
        }
        case ProfileField::sample:
          samples_.push_back(sample_from(in.get_message()));
          break;
        case ProfileField::location:
          locations_.push_back(location_from(in.get_message()));
          break;
        case ProfileField::function: {
          const RawFunction function = function_from(in.get_message());
          functions_[function.id] = function;
          break;
        }
        case ProfileField::string_table:
          texts_.push_back(in.get_string());
          break;
        case ProfileField::period:
          profile_.mean = std::uint64_t(in.get_int64());
          break;
        case ProfileField::duration_nanos:
          profile_.milliseconds = std::uint64_t(in.get_int64()) / 1'000'000;
          break;
        case ProfileField::time_nanos:
          profile_.taken = std::uint64_t(in.get_int64()) / 1'000'000'000;
          break;
        case ProfileField::comment:
          comment_ = in.wire_type() == protozero::pbf_wire_type::varint ? in.get_int64() : 0;
          if (in.wire_type() != protozero::pbf_wire_type::varint) in.skip();
          break;
        default:
          in.skip();
      }
    }
  }

  // Whether there is anything that we know how to show.
  [[nodiscard]] bool is_of_heap() const {
    for (const std::int64_t type : types_) {
      if (amount_named(text(type)) != nullptr) return true;
    }
    return false;
  }

  HeapProfile profile() {
    profile_.command = text(comment_);
    profile_.mappings = {""};
    std::unordered_map<std::uint64_t, std::uint32_t> numbers;
    for (const RawLocation& raw : locations_) {
      numbers[raw.id] = std::uint32_t(profile_.locations.size());
      profile_.locations.push_back(location(raw));
    }
    for (const RawSample& raw : samples_) {
      ProfileSample& sample = profile_.samples.emplace_back();
      sample.process = process(raw);
      for (const std::uint64_t id : raw.locations) {
        if (const auto known = numbers.find(id); known != numbers.end()) {
          sample.locations.push_back(known->second);
        }
      }
      for (size_t i = 0; i < std::min(raw.values.size(), types_.size()); ++i) {
        const std::string type = text(types_[i]);
        Amount ProfileSample::*const amount = amount_named(type);
        if (amount == nullptr) continue;
        const auto value = double(raw.values[i]);
        (type.ends_with("_space") ? (sample.*amount).bytes : (sample.*amount).blocks) = value;
        profile_.knows_held |= type.starts_with("held");
      }
    }
    return std::move(profile_);
  }

 private:
  [[nodiscard]] std::string text(std::int64_t number) const {
    return number >= 0 && size_t(number) < texts_.size() ? texts_[size_t(number)] : "";
  }
  static Amount ProfileSample::*amount_named(const std::string& type) {
    if (!type.ends_with("_space") && !type.ends_with("_objects")) return nullptr;
    if (type.starts_with("alloc_")) return &ProfileSample::allocated;
    if (type.starts_with("inuse_")) return &ProfileSample::live;
    if (type.starts_with("peak_")) return &ProfileSample::peak;
    return type == "held_space" ? &ProfileSample::held : nullptr;
  }
  [[nodiscard]] Location location(const RawLocation& raw) const {
    Location made;
    made.address = raw.address;
    for (const RawLine& line : raw.lines) {
      const auto known = functions_.find(line.function);
      if (known == functions_.end()) continue;
      made.places.push_back({text(known->second.name), text(known->second.file), int(line.line)});
    }
    if (made.places.empty()) made.places.push_back({fmt::format("{:#x}", raw.address), "", 0});
    return made;
  }
  std::uint32_t process(const RawSample& raw) {
    std::string name;
    std::int64_t number = 0;
    for (const RawLabel& label : raw.labels) {
      if (text(label.key) == "process") name = text(label.text);
      if (text(label.key) == "pid") number = label.number;
    }
    const auto [known, is_new] = processes_.try_emplace(number, profile_.processes.size());
    if (is_new) {
      ProfiledProcess& made = profile_.processes.emplace_back();
      made.number = std::uint32_t(number);
      made.executable = name;
    }
    return known->second;
  }

  HeapProfile profile_;
  std::vector<std::int64_t> types_;
  std::vector<RawSample> samples_;
  std::vector<RawLocation> locations_;
  std::unordered_map<std::uint64_t, RawFunction> functions_;
  std::vector<std::string> texts_;
  std::int64_t comment_ = 0;
  std::map<std::int64_t, std::uint32_t> processes_;
};

}  // namespace

HeapProfile read_pprof(const std::string& path) {
  Reader reader;
  try {
    reader.read(contents(path));
  } catch (const protozero::exception& error) {
    throw Trouble("{} is no profile in pprof's format: {}", path, error.what());
  }
  if (!reader.is_of_heap()) throw Trouble("{} is no heap profile", path);
  return reader.profile();
}

}  // namespace strata::tool
