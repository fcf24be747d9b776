// The ChaCha keystream. See random.hpp.
#include "harden/random.hpp"

namespace strata::harden {
namespace {

using Row [[gnu::vector_size(16)]] = std::uint32_t;

inline Row rotate(Row row, int by) noexcept { return row << by | row >> (32 - by); }

// One round on four columns at a time.
inline void round(Row& a, Row& b, Row& c, Row& d) noexcept {
  a += b;
  d = rotate(d ^ a, 16);
  c += d;
  b = rotate(b ^ c, 12);
  a += b;
  d = rotate(d ^ a, 8);
  c += d;
  b = rotate(b ^ c, 7);
}

inline Row turn_1(Row row) noexcept { return __builtin_shufflevector(row, row, 1, 2, 3, 0); }
inline Row turn_2(Row row) noexcept { return __builtin_shufflevector(row, row, 2, 3, 0, 1); }
inline Row turn_3(Row row) noexcept { return __builtin_shufflevector(row, row, 3, 0, 1, 2); }

}  // namespace

void Random::start(const Seed& seed) noexcept {
  seed_ = seed;
  used_ = sizeof buffer_;
}

void Random::refill() noexcept {
  const Row constant = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  Row low;
  Row high;
  Row counter;
  __builtin_memcpy(&low, seed_.key, 16);
  __builtin_memcpy(&high, seed_.key + 4, 16);
  __builtin_memcpy(&counter, seed_.nonce, 16);
  // One block more than the buffer holds: it is the next key and nonce.
  Row out[4 * (sizeof buffer_ / 64 + 1)];
  for (size_t block = 0; block < sizeof out / 64; ++block) {
    Row a = constant;
    Row b = low;
    Row c = high;
    Row d = counter;
    for (int i = 0; i < 4; ++i) {
      round(a, b, c, d);
      b = turn_1(b);
      c = turn_2(c);
      d = turn_3(d);
      round(a, b, c, d);
      b = turn_3(b);
      c = turn_2(c);
      d = turn_1(d);
    }
    out[4 * block] = a + constant;
    out[4 * block + 1] = b + low;
    out[4 * block + 2] = c + high;
    out[4 * block + 3] = d + counter;
    counter[0] += 1;
  }
  __builtin_memcpy(buffer_, out, sizeof buffer_);
  __builtin_memcpy(&seed_, out + sizeof buffer_ / 16, sizeof seed_);
  used_ = 0;
}

void Random::fill(void* memory, size_t bytes) noexcept {
  auto* at = static_cast<unsigned char*>(memory);
  while (bytes-- != 0) *at++ = static_cast<unsigned char>(byte());
}

}  // namespace strata::harden
