// The heap's platform for kernels written in C: see platform/current.hpp.
#pragma once

#include "platform/table/table_machine.hpp"
#include "ranges/space_platform.hpp"

namespace strata {
using Machine = SpacePlatform<TableMachine>;
}
