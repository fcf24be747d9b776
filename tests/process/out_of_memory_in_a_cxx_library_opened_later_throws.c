// A C program opens a C++ library, with a C++ runtime that nobody had loaded before: where memory
// is out, its operator new throws std::bad_alloc and nothrow new gives null, as in any C++ program.
#include <dlfcn.h>
#include "support/check.h"

int main(int count, char** arguments) {
  (void)count;
  char module[4096];
  snprintf(module, sizeof module, "%s", arguments[0]);
  char* slash = strrchr(module, '/');
  CHECK(slash != NULL);
  strcpy(slash + 1, "libhelper_module.so");
  void* library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) check_stop(check_exit_failed, "%s", dlerror());
  int (*module_new_fails_well)(void) = (int (*)(void))dlsym(library, "module_new_fails_well");
  CHECK(module_new_fails_well != NULL);
  CHECK_EQUAL(1, module_new_fails_well());
  return 0;
}
