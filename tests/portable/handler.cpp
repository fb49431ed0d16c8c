// An exec handler that needs nothing of its root, linked statically: answers the payload and what
// its own loader and OpenSSL would have been told, as JSON.
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

int main() {
  std::string payload;
  for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) {
    payload.push_back(static_cast<char>(byte));
  }
  std::printf("{\"payload\":\"%s\",\"preload\":\"%s\",\"path\":\"%s\",\"openssl\":\"%s\"}",
              payload.c_str(), variable("LD_PRELOAD").c_str(), variable("LD_LIBRARY_PATH").c_str(),
              variable("OPENSSL_CONF").c_str());
}
