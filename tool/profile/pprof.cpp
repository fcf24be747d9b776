// Writing profile.proto. See pprof.hpp.
#include "profile/pprof.hpp"

#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <protozero/pbf_builder.hpp>
#include <tuple>

#include "observe/trouble.hpp"
#include "profile/pprof_fields.hpp"

namespace strata::tool {
namespace {

using namespace pprof;
using Writer = protozero::pbf_builder<ProfileField>;

class Texts {
 public:
  Texts() { number(""); }
  std::int64_t number(const std::string& text) {
    const auto [known, is_new] = numbers_.try_emplace(text, std::int64_t(texts_.size()));
    if (is_new) texts_.push_back(text);
    return known->second;
  }
  [[nodiscard]] const std::vector<std::string>& all() const { return texts_; }

 private:
  std::map<std::string, std::int64_t> numbers_;
  std::vector<std::string> texts_;
};

struct Type {
  const char* name;
  const char* unit;
};
constexpr Type types[] = {{"alloc_objects", "count"}, {"alloc_space", "bytes"},
                          {"inuse_objects", "count"}, {"inuse_space", "bytes"},
                          {"peak_objects", "count"},  {"peak_space", "bytes"},
                          {"held_space", "bytes"}};

const char* type_of(View view) {
  switch (view) {
    case View::live:
      return "inuse_space";
    case View::peak:
      return "peak_space";
    case View::allocated:
      return "alloc_space";
    case View::held:
      return "held_space";
  }
  return "";
}

void put_type(Writer& out, ProfileField field, Texts& texts, const Type& type) {
  std::string bytes;
  protozero::pbf_builder<ValueType> message(bytes);
  message.add_int64(ValueType::type, texts.number(type.name));
  message.add_int64(ValueType::unit, texts.number(type.unit));
  out.add_message(field, bytes);
}

std::int64_t whole(double value) { return std::llround(value); }

void put_sample(Writer& out, Texts& texts, const HeapProfile& profile,
                const ProfileSample& sample) {
  std::string bytes;
  protozero::pbf_builder<SampleField> message(bytes);
  std::vector<std::uint64_t> locations;
  for (const std::uint32_t location : sample.locations) locations.push_back(location + 1);
  message.add_packed_uint64(SampleField::location_id, locations.begin(), locations.end());
  std::vector<std::int64_t> values = {whole(sample.allocated.blocks), whole(sample.allocated.bytes),
                                      whole(sample.live.blocks),      whole(sample.live.bytes),
                                      whole(sample.peak.blocks),      whole(sample.peak.bytes)};
  if (profile.knows_held) values.push_back(whole(sample.held.bytes));
  message.add_packed_int64(SampleField::value, values.begin(), values.end());
  const ProfiledProcess& process = profile.processes[sample.process];
  std::string label_bytes;
  protozero::pbf_builder<LabelField> label(label_bytes);
  label.add_int64(LabelField::key, texts.number("process"));
  label.add_int64(LabelField::text,
                  texts.number(std::filesystem::path(process.executable).filename()));
  message.add_message(SampleField::label, label_bytes);
  std::string number_bytes;
  protozero::pbf_builder<LabelField> number(number_bytes);
  number.add_int64(LabelField::key, texts.number("pid"));
  number.add_int64(LabelField::number, process.number);
  message.add_message(SampleField::label, number_bytes);
  out.add_message(ProfileField::sample, bytes);
}

void put_mappings(Writer& out, Texts& texts, const HeapProfile& profile) {
  // The program comes first: readers take its name for the profile's.
  for (size_t i = 1; i < profile.mappings.size(); ++i) {
    std::string bytes;
    protozero::pbf_builder<MappingField> message(bytes);
    message.add_uint64(MappingField::id, i);
    message.add_uint64(MappingField::start, 0);
    message.add_uint64(MappingField::limit, std::uint64_t{1} << 47);
    message.add_int64(MappingField::filename, texts.number(profile.mappings[i]));
    for (const auto has : {MappingField::has_functions, MappingField::has_filenames,
                           MappingField::has_line_numbers, MappingField::has_inline_frames}) {
      message.add_bool(has, true);
    }
    out.add_message(ProfileField::mapping, bytes);
  }
}

class Functions {
 public:
  Functions(Writer& out, Texts& texts) : out_(out), texts_(texts) {}
  std::uint64_t number(const SourcePlace& place) {
    const auto [known, is_new] =
        numbers_.try_emplace({place.function, place.file}, numbers_.size() + 1);
    if (is_new) {
      std::string bytes;
      protozero::pbf_builder<FunctionField> message(bytes);
      message.add_uint64(FunctionField::id, known->second);
      message.add_int64(FunctionField::name, texts_.number(place.function));
      message.add_int64(FunctionField::system_name, texts_.number(place.function));
      message.add_int64(FunctionField::file, texts_.number(place.file));
      out_.add_message(ProfileField::function, bytes);
    }
    return known->second;
  }

 private:
  Writer& out_;
  Texts& texts_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> numbers_;
};

void put_locations(Writer& out, Texts& texts, const HeapProfile& profile) {
  Functions functions(out, texts);
  for (size_t i = 0; i < profile.locations.size(); ++i) {
    const Location& location = profile.locations[i];
    std::string bytes;
    protozero::pbf_builder<LocationField> message(bytes);
    message.add_uint64(LocationField::id, i + 1);
    if (location.mapping != 0) message.add_uint64(LocationField::mapping, location.mapping);
    message.add_uint64(LocationField::address, location.address);
    for (const SourcePlace& place : location.places) {
      std::string line_bytes;
      protozero::pbf_builder<LineField> line(line_bytes);
      line.add_uint64(LineField::function, functions.number(place));
      line.add_int64(LineField::line, place.line);
      message.add_message(LocationField::line, line_bytes);
    }
    out.add_message(ProfileField::location, bytes);
  }
}

std::string gzipped(const std::string& bytes) {
  constexpr int gzip = 15 + 16;
  z_stream stream = {};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw Trouble("the profile cannot be compressed");
  }
  std::string result(deflateBound(&stream, uLong(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = uInt(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = uInt(result.size());
  const int state = deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  if (state != Z_STREAM_END) throw Trouble("the profile cannot be compressed");
  return result;
}

}  // namespace

std::string pprof_bytes(const HeapProfile& profile, View view) {
  std::string bytes;
  Writer out(bytes);
  Texts texts;
  for (const Type& type : types) {
    if (type.name != std::string("held_space") || profile.knows_held) {
      put_type(out, ProfileField::sample_type, texts, type);
    }
  }
  for (const ProfileSample& sample : profile.samples) put_sample(out, texts, profile, sample);
  put_mappings(out, texts, profile);
  put_locations(out, texts, profile);
  out.add_int64(ProfileField::time_nanos, std::int64_t(profile.taken) * 1'000'000'000);
  out.add_int64(ProfileField::duration_nanos, std::int64_t(profile.milliseconds) * 1'000'000);
  put_type(out, ProfileField::period_type, texts, {"space", "bytes"});
  out.add_int64(ProfileField::period, std::int64_t(profile.mean));
  out.add_int64(ProfileField::comment, texts.number(profile.command));
  out.add_int64(ProfileField::default_sample_type, texts.number(type_of(view)));
  for (const std::string& text : texts.all()) out.add_string(ProfileField::string_table, text);
  return gzipped(bytes);
}

}  // namespace strata::tool
