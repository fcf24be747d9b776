// The heap's platform in the tests that run it inside a static pool.
#pragma once

#include "platform/fixed/fixed_machine.hpp"
#include "ranges/direct_platform.hpp"

namespace strata {
using Machine = DirectPlatform<FixedMachine>;
}
