// The heap's platform in the tests that run all three storeys on the simulated machine.
#pragma once

#include "platform/sim/sim_machine.hpp"
#include "ranges/space_platform.hpp"

namespace strata {
using Machine = SpacePlatform<SimMachine>;
}
