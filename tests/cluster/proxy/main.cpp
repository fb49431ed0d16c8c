// workerpool-test-watch-delay: stands between one client of the API server and the server, and lets
// that client see one kind of object late. Everything else passes at once. See README.md.
//
// A thread for each connection; they share nothing but the settings.
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <fstream>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "base/options.h"
#include "base/stop_signals.h"
#include "base/units.h"
#include "tests/cluster/proxy/channel.h"
#include "tests/cluster/proxy/relay.h"
#include "tests/cluster/proxy/request_reader.h"

namespace wp::testproxy {
namespace {

struct Settings {
  std::int64_t server_port = 0;
  bool plain = false;
  TlsFiles serving;
  TlsFiles calling;
  std::string address_file;
  std::string delay_file;
  std::string plural = "pods";
};

void declare(Options& options, Settings& s) {
  options.integer({.name = "server-port", .help = "of the API server on 127.0.0.1"}, s.server_port,
                  {1, 65535});
  options.text({.name = "ca", .help = "the cluster's authority", .placeholder = "FILE"},
               s.calling.authority);
  options.text({.name = "certificate",
                .help = "the client's own, to call the server with: when the client came with one, "
                        "and always with --plain",
                .placeholder = "FILE"},
               s.calling.certificate);
  options.text({.name = "key", .help = "of the certificate", .placeholder = "FILE"}, s.calling.key);
  options.text(
      {.name = "serving-certificate", .help = "to serve the client with", .placeholder = "FILE"},
      s.serving.certificate);
  options.text({.name = "serving-key", .help = "of that", .placeholder = "FILE"}, s.serving.key);
  options.toggle({.name = "plain", .help = "serve without TLS: anybody is the certificate's user"},
                 s.plain);
  options.text({.name = "address-file",
                .help = "where the URL to call is written, once it can be called",
                .placeholder = "FILE"},
               s.address_file);
  options.text({.name = "delay-file",
                .help = "holds how late the watch is, such as 300ms; read anew for each event",
                .placeholder = "FILE"},
               s.delay_file);
  options.text({.name = "resource", .help = "whose watch is late, as in paths"}, s.plural);
}

// No file, or one that is just being written: no delay.
Millis read_delay(const std::string& file) {
  std::ifstream in(file);
  std::string text;
  in >> text;
  const auto delay = text.empty() ? std::nullopt : parse_duration(text);
  return delay.value_or(Millis{0});
}

UniqueFd listen_on_loopback(int& port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), plain, size) != 0 || ::listen(fd.get(), 512) != 0 ||
      ::getsockname(fd.get(), plain, &size) != 0) {
    throw std::system_error(errno, std::system_category(), "listen");
  }
  port = ntohs(address.sin_port);
  return fd;
}

class Proxy {
 public:
  explicit Proxy(Settings settings)
      : settings_(std::move(settings)),
        serving_(settings_.plain ? nullptr : serving_context(settings_.serving)),
        as_client_(calling_context(settings_.calling)),
        as_nobody_(calling_context({.authority = settings_.calling.authority})) {}

  [[noreturn]] void serve(int listener) {
    while (true) {
      UniqueFd socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
      if (!socket) continue;
      std::thread([this, socket = std::move(socket)]() mutable {
        handle(std::move(socket));
      }).detach();
    }
  }

 private:
  void handle(UniqueFd socket) {
    try {
      Channel client = Channel::accept(std::move(socket), serving_.get());
      // Without a certificate it is a token's user, and its token is among what is passed on.
      const bool known = settings_.plain || client.peer_has_certificate();
      Channel server = Channel::connect(static_cast<int>(settings_.server_port),
                                        known ? as_client_.get() : as_nobody_.get());
      relay(client, server,
            {settings_.plural, [this] { return read_delay(settings_.delay_file); }});
    } catch (const ChannelError& error) {
      log::warn("a connection failed", {{"error", error.what()}});
    } catch (const RequestError& error) {
      log::error("a request that cannot be followed", {{"error", error.what()}});
    }
  }

  const Settings settings_;
  const TlsContext serving_;
  const TlsContext as_client_;
  const TlsContext as_nobody_;
};

int run(int argc, const char* const* argv) {
  Settings settings;
  Options options("workerpool-test-watch-delay",
                  "Passes on what one client and the API server say, and lets one watch be late.");
  declare(options, settings);
  if (options.parse(argc, argv) == Parsed::exit) return 0;
  ignore_sigpipe();
  settings.serving.authority = settings.calling.authority;
  int port = 0;
  const UniqueFd listener = listen_on_loopback(port);
  Proxy proxy(settings);
  const std::string url =
      std::string(settings.plain ? "http" : "https") + "://127.0.0.1:" + std::to_string(port);
  // Renamed into its place: who sees the file sees all of it.
  std::ofstream(settings.address_file + ".new") << url << '\n';
  if (std::rename((settings.address_file + ".new").c_str(), settings.address_file.c_str()) != 0) {
    throw std::system_error(errno, std::system_category(), settings.address_file);
  }
  log::info("serving", {{"url", url}, {"resource", settings.plural}});
  proxy.serve(listener.get());
}

}  // namespace
}  // namespace wp::testproxy

int main(int argc, char** argv) {
  return wp::run_program("workerpool-test-watch-delay",
                         [&] { return wp::testproxy::run(argc, argv); });
}
