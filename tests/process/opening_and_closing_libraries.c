// Libraries that allocate come and go; their blocks outlive them, and theirs free ours.
#include <dlfcn.h>
#include "support/memory.h"
#include "support/threads.h"

static const char* path;

static void* open_and_close(void* unused) {
  for (size_t round = 0; round < 60; ++round) {
    void* module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) check_stop(check_exit_failed, "%s", dlerror());
    char* (*module_block)(size_t) = (char* (*)(size_t))dlsym(module, "module_block");
    void (*module_free)(void*) = (void (*)(void*))dlsym(module, "module_free");
    CHECK(module_block != NULL && module_free != NULL);
    char* theirs = module_block(5000 + round);
    CHECK(theirs != NULL);
    module_free(malloc(300));
    CHECK_EQUAL(0, dlclose(module));
    for (size_t i = 0; i < 5000 + round; ++i) CHECK(theirs[i] == 'b');
    free(theirs);
  }
  return unused;
}

int main(int count, char** arguments) {
  (void)count;
  char module[4096];
  snprintf(module, sizeof module, "%s", arguments[0]);
  char* slash = strrchr(module, '/');
  CHECK(slash != NULL);
  strcpy(slash + 1, "libhelper_module.so");
  path = module;
  open_and_close(NULL);
  const pthread_t one = start_thread(open_and_close, NULL);
  open_and_close(NULL);
  join_thread(one);
  return 0;
}
