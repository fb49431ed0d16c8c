// An exec handler that needs nothing of its image: its result is its payload, after as many
// milliseconds as the first argument says.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int count, char** arguments) {
  char buffer[4096];
  size_t length = fread(buffer, 1, sizeof buffer, stdin);
  if (count > 1) {
    const long milliseconds = atol(arguments[1]);
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
  }
  return fwrite(buffer, 1, length, stdout) == length ? 0 : 1;
}
