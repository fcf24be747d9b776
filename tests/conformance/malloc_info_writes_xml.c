// malloc_info(0, stream) returns 0 and writes one well-formed element named malloc.
#include <malloc.h>
#include "support/memory.h"

static char text[1 << 20];

// Checks that tags nest; returns how many there are.
static int count_tags(const char* at) {
  char open[64][64];
  int depth = 0, tags = 0;
  while ((at = strchr(at, '<')) != NULL) {
    const char* end = strchr(at, '>');
    CHECK(end != NULL);
    char name[64];
    const int closing = at[1] == '/';
    if (at[1] != '?' && at[1] != '!') {
      CHECK_EQUAL(1, sscanf(at + 1 + closing, "%63[A-Za-z0-9_.-]", name));
      ++tags;
      if (closing) {
        CHECK(depth > 0 && strcmp(open[depth - 1], name) == 0);
        --depth;
      } else if (end[-1] != '/') {
        CHECK(depth < 64);
        strcpy(open[depth++], name);
      }
    }
    at = end;
  }
  CHECK_EQUAL(0, depth);
  return tags;
}

int main(void) {
  void* block = malloc(12345);
  FILE* stream = fmemopen(text, sizeof text, "w");
  CHECK(stream != NULL);
  CHECK_EQUAL(0, malloc_info(0, stream));
  CHECK_EQUAL(0, fclose(stream));
  CHECK(strstr(text, "<malloc version=\"") != NULL);
  CHECK(strstr(text, "</malloc>") != NULL);
  CHECK(count_tags(text) > 2);
  free(block);
  return 0;
}
