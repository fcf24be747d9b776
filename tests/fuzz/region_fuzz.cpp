// libFuzzer over the region: the first byte picks a product of policies, the rest is a program for
// the oracle.
//   ninja -C build region_fuzz && build/region_fuzz -max_total_time=60
#include <cstdio>
#include <cstdlib>
#include <tuple>

#include "region/chooser.hpp"
#include "region/profiles.hpp"
#include "unit/region/oracle.hpp"

namespace {

using namespace strata;

struct FromEnd : DefaultPolicy {
  using Layout = layout::Pointers<>;
  static constexpr Serve serve = Serve::from_end;
  static constexpr Mark mark = Mark::seal;
};
template <class F, class C, class R, class Base = DefaultPolicy>
using Product = ProductPolicy<F, C, R, provision::Lazy, Base>;

using Policies =
    std::tuple<DefaultPolicy, profiles::TextbookSpans<>, profiles::HobbyKernel, profiles::RealTime,
               profiles::Debug, Product<fit::First, coalesce::WhileSearching, freeing::Immediate>,
               Product<fit::Next, coalesce::WhileSearching, freeing::Batched<4>>,
               Product<fit::Score<50>, coalesce::WhileSearching, freeing::Immediate>,
               Product<fit::Good, coalesce::Deferred<4>, freeing::Batched<4>, FromEnd>,
               Product<fit::Best, coalesce::Deferred<4>, freeing::Background<4>>,
               Product<fit::Next, coalesce::AtOnce, freeing::Immediate, FromEnd>,
               Product<fit::Score<>, coalesce::AtOnce, freeing::Batched<4>, FromEnd>>;

template <class Policy>
void play(const std::uint8_t* data, std::size_t size) {
  alignas(64) static char memory[8192];
  Region<Policy> region(memory, sizeof memory);
  strata::testing::Oracle oracle(region, memory, sizeof memory, 4);
  const std::string wrong = oracle.run({data, size});
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    std::abort();
  }
}

template <std::size_t... i>
void choose(std::size_t which, const std::uint8_t* data, std::size_t size,
            std::index_sequence<i...>) {
  ((which == i ? play<std::tuple_element_t<i, Policies>>(data, size) : void()), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::size_t count = std::tuple_size_v<Policies>;
  choose(data[0] % count, data + 1, size - 1, std::make_index_sequence<count>());
  return 0;
}
