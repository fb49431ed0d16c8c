#include "runner/wait_gone.h"

#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>

#include "base/options.h"
#include "base/unique_fd.h"
#include "runner/handlers/http/url.h"

namespace wp::runner {
namespace {

constexpr Millis kPause{200};
// A pod's containers are asked to end within moments of each other.
constexpr Millis kPatience{5000};
constexpr timeval kAnswerTimeout{3, 0};

// The runner listens on all interfaces, or where its own setting says.
HttpTarget target_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.empty() || host == "0.0.0.0" || host == "[::]") host = "localhost";
  try {
    const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
    return parse_http_url("http://" + host + ":" + port + "/readyz");
  } catch (const std::invalid_argument&) {
    throw UsageError(fmt::format(
        "probe-addr: \"{}\" is not allowed: :port, or host:port with a host on loopback", address));
  }
}

Presence ask(const HttpTarget& target, const HttpAddress& address) {
  const UniqueFd fd(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return Presence::gone;  // no such protocol here
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof kAnswerTimeout);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kAnswerTimeout, sizeof kAnswerTimeout);
  if (connect(fd.get(), address.get(), address.size) != 0) {
    return errno == EINPROGRESS || errno == EAGAIN ? Presence::leaving : Presence::gone;
  }
  const std::string request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", target.path, target.authority);
  if (send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return Presence::leaving;
  std::array<char, 64> answer{};
  const ssize_t got = recv(fd.get(), answer.data(), answer.size(), MSG_WAITALL);
  const std::string_view text(answer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  return text.starts_with("HTTP/1.1 200") ? Presence::serving : Presence::leaving;
}

}  // namespace

void wait_gone(const std::function<Presence()>& ask, const std::function<void(Millis)>& pause,
               Millis patience) {
  Millis serving{0};
  for (;;) {
    const Presence presence = ask();
    if (presence == Presence::gone) return;
    serving = presence == Presence::serving ? serving + kPause : Millis{0};
    if (serving > patience) return;
    pause(kPause);
  }
}

int run_wait_gone(int argc, const char* const* argv) {
  std::string address = ":9808";
  Options options("workerpool-runner wait-gone",
                  "Waits until the runner of this pod has ended: the preStop of an app beside it.");
  options.text({.name = "probe-addr", .help = "the runner's own", .placeholder = "ADDR"}, address);
  if (options.parse(argc, argv) == Parsed::exit) return 0;
  const HttpTarget target = target_of(address);
  wait_gone(
      [&target] {
        for (const HttpAddress& one : target.addresses) {
          if (const Presence presence = ask(target, one); presence != Presence::gone) {
            return presence;
          }
        }
        return Presence::gone;
      },
      [](Millis time) { std::this_thread::sleep_for(time); }, kPatience);
  return 0;
}

}  // namespace wp::runner
