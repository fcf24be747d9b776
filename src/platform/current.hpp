// The platform this build is for. A build picks another one by putting its own
// "platform/selected.hpp" first on the include path.
#pragma once

#include "platform/platform.hpp"

#if __has_include("platform/selected.hpp")
#include "platform/selected.hpp"
#else
#include "platform/linux/linux_platform.hpp"
namespace strata {
using Machine = LinuxPlatform;
}
#endif

static_assert(strata::Platform<strata::Machine>);
