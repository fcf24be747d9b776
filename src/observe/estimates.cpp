// A client of the sampling point that counts. See estimates.hpp.
#include "observe/estimates.hpp"

#include "heap/sample.hpp"
#include "platform/current.hpp"

namespace strata::observe {
namespace {

using heap::sample::Allocation;
using heap::sample::Which;

// Added to by the threads that allocate, read by whoever adds up: sums, in no order.
struct Sums {
  Atomic<std::uint64_t> blocks[class_count];
  Atomic<std::uint64_t> samples[class_count];
};
constinit Sums sums;
constinit size_t lasting_mean;       // asked for without a limit; the observer's
constinit std::uint64_t last_until;  // Machine::now(); 0: no limit; the observer's

// 1 / (1 - exp(-x)), for how many blocks of x times the mean a sampled one stands. The series of
// Bernoulli's numbers is good to 1 in 1000 up to x = 2, the lines beyond to 4 in 100: such blocks
// are nearly all sampled.
double stands_for(double x) noexcept {
  if (x > 4) return 1;
  if (x > 2) return 1.1565 - (x - 2) * 0.069;
  return 1 / x + 0.5 + x / 12 - x * x * x / 720;
}

// To the nearest; x is not negative.
std::uint64_t rounded(double x) noexcept {
  const auto whole = std::uint64_t(x);
  return whole + (x - double(whole) >= 0.5 ? 1 : 0);
}

void count(Allocation& allocation) noexcept {
  if (allocation.large) return;  // counted already
  const unsigned c = class_of(allocation.counted);
  const auto mean = double(allocation.mean);
  const double blocks =
      stands_for(double(allocation.counted) / mean) * (double(allocation.client_mean) / mean);
  sums.blocks[c].fetch_add(rounded(blocks * double(Estimates::unit)), Order::relaxed);
  sums.samples[c].fetch_add(1, Order::relaxed);
}

constinit const heap::sample::Client client = {count, nullptr, nullptr};

}  // namespace

void estimate(size_t mean, std::uint32_t milliseconds) noexcept {
  if (milliseconds == 0) lasting_mean = mean;
  last_until = milliseconds == 0 ? 0 : Machine::now() + milliseconds;
  // What is asked for meanwhile does not make a run's estimates coarser.
  if (lasting_mean != 0 && lasting_mean < mean) mean = lasting_mean;
  heap::sample::set_client(Which::counts, &client);
  heap::sample::set_mean(Which::counts, mean);
}

std::uint32_t estimates_last() noexcept {
  if (last_until == 0) return 0;
  const std::uint64_t now = Machine::now();
  return last_until > now ? std::uint32_t(last_until - now) : 1;
}

void end_estimates() noexcept {
  if (last_until != 0 && Machine::now() >= last_until) estimate(lasting_mean, 0);
}

void read_estimates(Estimates& estimates) noexcept {
  estimates.mean = heap::sample::mean_of(Which::counts);
  for (unsigned c = 0; c < class_count; ++c) {
    estimates.blocks[c] = sums.blocks[c].load(Order::relaxed);
    estimates.samples[c] = sums.samples[c].load(Order::relaxed);
  }
}

void start_estimates_anew() noexcept {
  for (unsigned c = 0; c < class_count; ++c) {
    sums.blocks[c].store(0, Order::relaxed);
    sums.samples[c].store(0, Order::relaxed);
  }
}

}  // namespace strata::observe
