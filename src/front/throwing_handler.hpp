// See throwing_handler.cpp.
#pragma once

#include <new>

namespace strata::front {

// Calls the handler; false when it threw.
bool returns_without_throwing(std::new_handler handler);

}  // namespace strata::front
