#include "runner/health.h"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>

#include "base/http_server.h"
#include "base/options.h"

namespace wp::runner {

std::string problem_with_health(const std::string& probe_address) {
  for (const char* path : {"/healthz", "/readyz"}) {
    const ProbeAnswer answer = ask_probe(probe_address, path);
    if (answer.status == 200) continue;
    std::string text = answer.status == 0
                           ? answer.text
                           : fmt::format("{} answers {}: {}", path, answer.status, answer.text);
    while (text.ends_with('\n')) text.pop_back();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }
  return {};
}

int run_health(int argc, const char* const* argv) {
  std::string address = ":9808";
  Options options(
      "workerpool-runner health",
      "Asks the runner on this machine whether it is alive and ready; exit 1 when not.");
  options.text({.name = "probe-addr",
                .env = "WP_PROBE_ADDR",
                .help = "host:port or :port of its probes",
                .placeholder = "ADDR"},
               address);
  if (options.parse(argc, argv) == Parsed::exit) return 0;
  if (address == "off") throw UsageError("probe-addr: the probes are off: nobody can be asked");
  const std::string problem = problem_with_health(address);
  if (problem.empty()) return 0;
  std::cerr << "workerpool-runner: " << problem << "\n";
  return 1;
}

}  // namespace wp::runner
