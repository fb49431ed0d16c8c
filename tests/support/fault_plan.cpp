#include "tests/support/fault_plan.h"

#include <fstream>
#include <link.h>
#include <stdexcept>

namespace wp::test {
namespace {

constexpr char kBetweenShots = '\x1e';
constexpr char kBetweenFields = '\x1f';

// The sanitizer that this very program runs with; the runner comes from the same build.
std::string sanitizer_runtime() {
  std::string found;
  dl_iterate_phdr(
      [](dl_phdr_info* library, std::size_t, void* answer) {
        const std::string name = library->dlpi_name;
        const bool sanitizer = name.find("/libasan.so") != std::string::npos ||
                               name.find("/libtsan.so") != std::string::npos;
        if (sanitizer) *static_cast<std::string*>(answer) = name;
        return sanitizer ? 1 : 0;
      },
      &found);
  return found;
}

}  // namespace

std::map<std::string, std::string> FaultPlan::environment() const {
  std::string plan;
  for (const Shot& shot : shots_) {
    if (!plan.empty()) plan += kBetweenShots;
    plan += shot.call + kBetweenFields + shot.place + kBetweenFields + std::to_string(shot.nth) +
            kBetweenFields + (shot.hold ? "1" : "0") + kBetweenFields;
    for (std::size_t i = 0; i < shot.signals.size(); ++i) {
      plan += (i > 0 ? "," : "") + std::to_string(shot.signals[i]);
    }
    for (const std::string& word : shot.words) plan += kBetweenFields + word;
  }
  const std::string first = sanitizer_runtime();
  return {{"WP_FAULT_PLAN", plan},
          {"WP_FAULT_MARKER", marker_},
          {"LD_PRELOAD", first + (first.empty() ? "" : " ") + WP_FAULT_SHIM_LIBRARY}};
}

int FaultPlan::hits() const {
  std::ifstream file(marker_);
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    if (line != "hit") throw std::runtime_error("the fault shim says: " + line);
  }
  return count;
}

void FaultPlan::let_go(int shot) const {
  std::ofstream(marker_ + ".go" + std::to_string(shot)) << "";
}

}  // namespace wp::test
