// The numbers of profile.proto's fields: what the writer and the reader of that format share.
#pragma once

#include <protozero/types.hpp>

namespace strata::tool::pprof {

enum class ProfileField : protozero::pbf_tag_type {
  sample_type = 1,
  sample = 2,
  mapping = 3,
  location = 4,
  function = 5,
  string_table = 6,
  time_nanos = 9,
  duration_nanos = 10,
  period_type = 11,
  period = 12,
  comment = 13,
  default_sample_type = 14,
};
enum class ValueType : protozero::pbf_tag_type { type = 1, unit = 2 };
enum class SampleField : protozero::pbf_tag_type { location_id = 1, value = 2, label = 3 };
enum class LabelField : protozero::pbf_tag_type { key = 1, text = 2, number = 3 };
enum class MappingField : protozero::pbf_tag_type {
  id = 1,
  start = 2,
  limit = 3,
  offset = 4,
  filename = 5,
  has_functions = 7,
  has_filenames = 8,
  has_line_numbers = 9,
  has_inline_frames = 10,
};
enum class LocationField : protozero::pbf_tag_type { id = 1, mapping = 2, address = 3, line = 4 };
enum class LineField : protozero::pbf_tag_type { function = 1, line = 2 };
enum class FunctionField : protozero::pbf_tag_type { id = 1, name = 2, system_name = 3, file = 4 };

}  // namespace strata::tool::pprof
