// A program with an error that a person might make: a session is closed twice, by hands that do not
// know of each other. Or it writes its name one byte too far.
#include <stdlib.h>
#include <string.h>

struct Session {
  char* name;
};

__attribute__((noinline)) static struct Session* open_session(const char* name, size_t bytes) {
  struct Session* const session = malloc(sizeof *session);
  session->name = malloc(bytes);
  memcpy(session->name, name, strlen(name) + 1);
  return session;
}

__attribute__((noinline)) static void close_session(struct Session* session) {
  free(session->name);
  session->name = NULL;
  free(session);
}

__attribute__((noinline)) static void serve(const char* error) {
  static const char name[] = "administrator";
  struct Session* volatile session =
      open_session(name, sizeof name - (strcmp(error, "overflow") == 0));
  close_session(session);
  if (strcmp(error, "twice") == 0) free(session);
}

int main(int count, char** arguments) {
  serve(count > 1 ? arguments[1] : "");
  return 0;
}
