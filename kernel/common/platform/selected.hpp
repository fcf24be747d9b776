// The heap's platform in this build: see platform/current.hpp.
#pragma once

#include "kernel_machine.hpp"
#include "ranges/space_platform.hpp"

namespace strata {
using Machine = SpacePlatform<KernelMachine>;
}
