// The front's exported names are declared by libc's headers; ours only need to be visible.
#pragma once

#include "base/attributes.hpp"
