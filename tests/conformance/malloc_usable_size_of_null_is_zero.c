// malloc_usable_size(NULL) is 0.
#include <malloc.h>
#include "support/check.h"

int main(void) {
  CHECK_EQUAL(0, malloc_usable_size(NULL));
  return 0;
}
