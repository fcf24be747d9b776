// The region heap's C interface: two instantiations, the usual one and the checked one.
//
// A strata_region is a Facade at the start of the caller's memory: which of the two follows it, the
// limits and the callbacks in C's shape. Callbacks are addresses of one process, everything else is
// position-free.
#include "strata/region.h"

#include "region/chosen.hpp"

namespace strata {
namespace {

struct alignas(16) Facade {
  static constexpr std::uint64_t known = 0x5374'7261'7461'4301;
  std::uint64_t magic;
  std::uint32_t checked;
  size_t min_size;
  size_t max_size;
  void* (*grow)(void*, size_t, size_t*);
  void (*shrink)(void*, void*, size_t);
  void (*on_error)(void*, strata_region_error, const void*);
  void* context;

  template <class R>
  R* body() noexcept {
    return reinterpret_cast<R*>(this + 1);
  }
};

using Usual = Region<chosen::Policy>;
using Checked = Region<chosen::CheckedPolicy>;

Facade* facade_of(strata_region* region) noexcept { return reinterpret_cast<Facade*>(region); }

// Calls call(Region&) with the region behind the facade.
template <class Call>
auto with(strata_region* region, Call&& call) noexcept {
  Facade* facade = facade_of(region);
  if (facade->checked != 0) return call(*facade->body<Checked>());
  return call(*facade->body<Usual>());
}

SourceMemory grow_through(void* context, size_t least) noexcept {
  const auto* facade = static_cast<const Facade*>(context);
  SourceMemory got;
  got.memory = facade->grow(facade->context, least, &got.bytes);
  return got;
}
void shrink_through(void* context, void* memory, size_t bytes) noexcept {
  const auto* facade = static_cast<const Facade*>(context);
  if (facade->shrink != nullptr) facade->shrink(facade->context, memory, bytes);
}
void report_through(void* context, RegionError error, const void* where) noexcept {
  const auto* facade = static_cast<const Facade*>(context);
  facade->on_error(facade->context, strata_region_error(error), where);
}

template <class R>
RegionError create_body(Facade* facade, size_t bytes, const strata_region_options& o) noexcept {
  const size_t own = sizeof(Facade) + align_up(sizeof(R), 16);
  if (bytes <= own) return RegionError::memory_too_small;
  R* region = ::new (static_cast<void*>(facade + 1)) R();
  region->index().choose(FitKind(o.fit), o.exactness);
  region->coalescing().kind = CoalesceKind(o.coalesce);
  region->freeing_policy().kind = FreeKind(o.free);
  if (o.batch != 0) region->freeing_policy().count = o.batch;
  region->provision().kind = o.eager != 0 ? ProvisionKind::eager : ProvisionKind::lazy;
  region->lock().wanted = o.locked != 0 || o.free == STRATA_FREE_BACKGROUND;
  if (o.grow != nullptr) region->source() = {facade, grow_through, shrink_through};
  const RegionError error = region->add(reinterpret_cast<char*>(facade) + own, bytes - own);
  if (o.on_error != nullptr) region->on_error() = {facade, report_through};
  return error;
}

// A size within the facade's limits, or one that the region refuses for the same reason.
size_t limited(strata_region* region, size_t size) noexcept {
  const Facade* facade = facade_of(region);
  if (facade->max_size != 0 && size > facade->max_size) return ~size_t{0};
  return size != 0 && size < facade->min_size ? facade->min_size : size;
}

}  // namespace
}  // namespace strata

using namespace strata;

STRATA_EXPORT strata_region* strata_region_create(void* memory, size_t bytes,
                                                  const strata_region_options* options,
                                                  strata_region_error* error) {
  static constexpr strata_region_options defaults = STRATA_REGION_DEFAULTS;
  const strata_region_options& o = options == nullptr ? defaults : *options;
  RegionError reason = RegionError::none;
  auto* facade = static_cast<Facade*>(memory);
  if (memory == nullptr) {
    reason = RegionError::null_memory;
  } else if (reinterpret_cast<Address>(memory) % alignof(Facade) != 0) {
    reason = RegionError::misaligned_memory;
  } else if (bytes <= sizeof(Facade)) {
    reason = RegionError::memory_too_small;
  } else {
    *facade = Facade{
        0,        o.checked != 0 ? 1U : 0U, o.min_size, o.max_size, o.grow, o.shrink, o.on_error,
        o.context};
    reason = o.checked != 0 ? create_body<Checked>(facade, bytes, o)
                            : create_body<Usual>(facade, bytes, o);
    if (reason == RegionError::none) facade->magic = Facade::known;
  }
  if (error != nullptr) *error = strata_region_error(reason);
  return reason == RegionError::none ? static_cast<strata_region*>(memory) : nullptr;
}

STRATA_EXPORT strata_region* strata_region_attach(void* memory, strata_region_error* error) {
  RegionError reason = RegionError::none;
  if (memory == nullptr)
    reason = RegionError::null_memory;
  else if (reinterpret_cast<Address>(memory) % alignof(Facade) != 0)
    reason = RegionError::misaligned_memory;
  else if (static_cast<Facade*>(memory)->magic != Facade::known)
    reason = RegionError::not_a_region;
  if (error != nullptr) *error = strata_region_error(reason);
  return reason == RegionError::none ? static_cast<strata_region*>(memory) : nullptr;
}

STRATA_EXPORT void strata_region_destroy(strata_region* region) {
  with(region, [](auto& r) noexcept { r.destroy(); });
  facade_of(region)->magic = 0;
}
STRATA_EXPORT strata_region_error strata_region_add(strata_region* region, void* memory,
                                                    size_t bytes) {
  return with(region, [=](auto& r) noexcept { return strata_region_error(r.add(memory, bytes)); });
}
STRATA_EXPORT void* strata_region_allocate(strata_region* region, size_t size) {
  size = limited(region, size);
  return with(region, [=](auto& r) noexcept { return r.allocate(size); });
}
STRATA_EXPORT void* strata_region_allocate_aligned(strata_region* region, size_t alignment,
                                                   size_t size) {
  size = limited(region, size);
  return with(region, [=](auto& r) noexcept { return r.allocate_aligned(size, alignment); });
}
STRATA_EXPORT void* strata_region_falloc(strata_region* region, size_t size) {
  size = limited(region, size);
  return with(region, [=](auto& r) noexcept { return r.falloc(size); });
}
STRATA_EXPORT strata_region_error strata_region_free(strata_region* region, void* block) {
  return with(region, [=](auto& r) noexcept { return strata_region_error(r.free(block)); });
}
STRATA_EXPORT void* strata_region_reallocate(strata_region* region, void* block, size_t size) {
  size = limited(region, size);
  return with(region, [=](auto& r) noexcept { return r.reallocate(block, size); });
}
STRATA_EXPORT int strata_region_resize_in_place(strata_region* region, void* block, size_t size) {
  size = limited(region, size);
  return with(region, [=](auto& r) noexcept { return r.resize_in_place(block, size) ? 1 : 0; });
}
STRATA_EXPORT size_t strata_region_usable_size(strata_region* region, const void* block) {
  return with(region, [=](auto& r) noexcept { return r.usable_size(block); });
}
STRATA_EXPORT int strata_region_owns(strata_region* region, const void* address) {
  return with(region, [=](auto& r) noexcept { return r.owns(address) ? 1 : 0; });
}
STRATA_EXPORT size_t strata_region_work(strata_region* region, size_t most) {
  return with(region, [=](auto& r) noexcept { return r.work(most); });
}
STRATA_EXPORT void strata_region_settle(strata_region* region) {
  with(region, [](auto& r) noexcept { r.settle(); });
}
STRATA_EXPORT size_t strata_region_trim(strata_region* region) {
  return with(region, [](auto& r) noexcept { return r.trim(); });
}
STRATA_EXPORT void strata_region_walk(strata_region* region,
                                      void (*visit)(void*, const strata_region_block*),
                                      void* context) {
  with(region, [=](auto& r) noexcept {
    r.walk([=](const RegionBlock& b) noexcept {
      const strata_region_block block{b.payload, b.bytes, b.usable, int(b.state)};
      visit(context, &block);
    });
  });
}
STRATA_EXPORT strata_region_error strata_region_check(strata_region* region, const void** where) {
  return with(region, [=](auto& r) noexcept {
    const RegionCheck result = r.check();
    if (where != nullptr) *where = result.where;
    return strata_region_error(result.error);
  });
}
STRATA_EXPORT strata_region_error strata_region_last_error(strata_region* region) {
  return with(region, [](auto& r) noexcept { return strata_region_error(r.last_error()); });
}
STRATA_EXPORT const char* strata_region_error_name(strata_region_error error) {
  return region_error_name(RegionError(error));
}
STRATA_EXPORT void strata_region_get_statistics(strata_region* region,
                                                strata_region_statistics* out) {
  with(region, [=](auto& r) noexcept {
    const RegionStatistics s = r.statistics();
    *out = {s.managed_bytes, s.used_bytes,  s.free_bytes, s.saved_bytes,     s.largest_free_bytes,
            s.free_blocks,   s.used_blocks, s.spans,      s.peak_used_bytes, s.footprint_bytes,
            s.allocations,   s.frees,       s.failures,   s.looked_at,       s.longest_search};
  });
}
