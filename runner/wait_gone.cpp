#include "runner/wait_gone.h"

#include <thread>

#include "base/http_server.h"
#include "base/options.h"

namespace wp::runner {
namespace {

constexpr Millis kPause{200};
// A pod's containers are asked to end within moments of each other.
constexpr Millis kPatience{5000};
// An answer that came too late is no proof.
constexpr int kMissesOfOneGone = 3;

}  // namespace

void wait_gone(const std::function<Presence()>& ask, const std::function<void(Millis)>& pause,
               Millis patience) {
  Millis serving{0};
  for (int misses = 0;;) {
    const Presence presence = ask();
    misses = presence == Presence::gone ? misses + 1 : 0;
    serving = presence == Presence::serving ? serving + kPause : Millis{0};
    if (misses == kMissesOfOneGone || serving > patience) return;
    pause(kPause);
  }
}

int run_wait_gone(int argc, const char* const* argv) {
  std::string address = ":9808";
  Options options("workerpool-runner wait-gone",
                  "Waits until the runner of this pod has ended: the preStop of an app beside it.");
  options.text({.name = "probe-addr", .help = "the runner's own", .placeholder = "ADDR"}, address);
  if (options.parse(argc, argv) == Parsed::exit) return 0;
  if (address == "off") throw UsageError("probe-addr: the probes are off: nobody can be asked");
  wait_gone(
      [&address] {
        const int status = ask_probe(address, "/readyz").status;
        return status == 0 ? Presence::gone : status == 200 ? Presence::serving : Presence::leaving;
      },
      [](Millis time) { std::this_thread::sleep_for(time); }, kPatience);
  return 0;
}

}  // namespace wp::runner
