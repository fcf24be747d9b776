// A heap profile as text: collapsed stacks for flame graph tools, and a table of the top sites.
#pragma once

#include <string>

#include "profile/heap_profile.hpp"

namespace strata::tool {

// One line a stack, outermost function first: "process;main;parse;reserve 123456", in bytes.
std::string collapsed_stacks(const HeapProfile& profile, View view);

// The innermost function of a stack that is no machinery of containers and no wrapper of malloc.
std::string site_of(const HeapProfile& profile, const ProfileSample& sample);

// The call sites with the most bytes: at most `most` of them, each with its callers.
std::string site_table(const HeapProfile& profile, View view, unsigned most);

}  // namespace strata::tool
