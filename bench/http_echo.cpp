#include "bench/http_echo.h"

#include <httplib.h>
#include <stdexcept>
#include <thread>

#include "bench/load.h"

namespace wp::bench {

struct HttpEcho::Impl {
  httplib::Server server;
  int port = 0;
  std::thread thread;
};

HttpEcho::HttpEcho() : impl_(std::make_unique<Impl>()) {
  impl_->server.set_tcp_nodelay(true);
  impl_->server.set_keep_alive_max_count(1000000000);
  impl_->server.Post("/job", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(request.body, "application/json");
  });
  impl_->port = impl_->server.bind_to_any_port("127.0.0.1");
  impl_->thread = std::thread([this] { impl_->server.listen_after_bind(); });
  while (!impl_->server.is_running()) std::this_thread::yield();  // stop() before would be lost
}

HttpEcho::~HttpEcho() {
  impl_->server.stop();
  impl_->thread.join();
}

std::string HttpEcho::url() const {
  return "http://127.0.0.1:" + std::to_string(impl_->port) + "/job";
}

double HttpEcho::post_rate(std::int64_t count) const {
  httplib::Client client("127.0.0.1", impl_->port);
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  const double begin = seconds_now();
  for (std::int64_t i = 0; i < count; ++i) {
    if (!client.Post("/job", "\"x\"", "application/json")) {
      throw std::runtime_error("the local server does not answer");
    }
  }
  return static_cast<double>(count) / (seconds_now() - begin);
}

}  // namespace wp::bench
