// calloc(0, n) and calloc(n, 0) give pointers of their own that free takes.
#include <stdlib.h>
#include "support/check.h"

int main(void) {
  void* first = calloc(0, 8);
  void* second = calloc(8, 0);
  void* third = calloc(0, 0);
  void* fourth = calloc(0, SIZE_MAX);
  CHECK(first != NULL && second != NULL && third != NULL && fourth != NULL);
  CHECK(first != second && second != third && third != fourth && first != fourth);
  free(first);
  free(second);
  free(third);
  free(fourth);
  return 0;
}
