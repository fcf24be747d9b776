// The stacks diagnose mode remembers: each once, however many blocks came from there. A stack's
// number is where it stands; 0 is no stack.
//
//   bucket -> | hash, count | next in bucket | frame | frame | ...        words of 8 bytes
//
// Stacks are never forgotten: a program has some ten thousand. One lock; what stands there once
// does not change and is read without it. Cost: some 60 instructions a stack that is known.
#pragma once

#include "harden/stack.hpp"
#include "platform/current.hpp"

namespace strata::harden::depot {

// False: memory is refused, and no stack will be kept.
bool open() noexcept;
std::uint32_t keep(const Stack& stack) noexcept;
// The frames of a stack; 0 of them for number 0.
unsigned frames_of(std::uint32_t number, const Address*& frames) noexcept;
Machine::Lock& lock() noexcept;

}  // namespace strata::harden::depot
