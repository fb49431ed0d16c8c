// A local application for the http handler: it answers each POST with its body. Serves from its own
// threads until the object goes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace wp::bench {

class HttpEcho {
 public:
  HttpEcho();
  ~HttpEcho();
  HttpEcho(const HttpEcho&) = delete;
  HttpEcho& operator=(const HttpEcho&) = delete;

  std::string url() const;
  /// The ceiling: requests a second of one client, one after the other on one connection.
  double post_rate(std::int64_t count) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wp::bench
