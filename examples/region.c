// The region heap in C: a bounded heap in a static array, with every misuse named.
//
//   cc region.c -lstrata            (or libstrata_region.a: the region alone, malloc untouched)
#include <stdio.h>
#include <strata/region.h>
#include <string.h>

static _Alignas(16) char memory[64 << 10];

static void report(void* context, strata_region_error error, const void* where) {
  (void)where;
  ++*(int*)context;
  printf("refused: %s\n", strata_region_error_name(error));
}

static void show(void* context, const strata_region_block* block) {
  static const char* const states[] = {"free", "used", "saved"};
  (void)context;
  printf("  %-5s %6zu bytes\n", states[block->state], block->bytes);
}

int main(void) {
  int refusals = 0;
  strata_region_options options = STRATA_REGION_DEFAULTS;
  options.max_size = 16 << 10;
  options.on_error = report;
  options.context = &refusals;
  strata_region_error error;
  strata_region* region = strata_region_create(memory, sizeof memory, &options, &error);
  if (region == NULL) {
    printf("no region: %s\n", strata_region_error_name(error));
    return 1;
  }

  char* name = strata_region_allocate(region, 20);
  strcpy(name, "kept while it grows");
  char* other = strata_region_allocate(region, 100);
  name = strata_region_reallocate(region, name, 5000);
  char* first = strata_region_falloc(region, 60);
  char* second = strata_region_falloc(region, 60);
  printf("name: %s; falloc'ed %d bytes apart\n", name, (int)(second - first));
  strata_region_free(region, other);
  strata_region_walk(region, show, NULL);

  strata_region_free(region, other);         // twice
  strata_region_free(region, name + 16);     // the middle of a block
  strata_region_free(region, &refusals);     // not ours
  strata_region_allocate(region, 20 << 10);  // over max_size
  const int whole = strata_region_check(region, NULL) == STRATA_REGION_OK;
  printf("%d refusals, and the region is %s\n", refusals, whole ? "whole" : "damaged");
  strata_region_destroy(region);
  return whole && refusals == 4 ? 0 : 1;
}
