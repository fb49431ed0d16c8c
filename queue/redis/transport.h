// The bytes between us and a server: a plain socket, or TLS over one. Non-blocking; the caller
// waits. Owned by one Channel, used by its thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "queue/redis/endpoint.h"

namespace wp::redis {

/// What one call moved: bytes, or (when none) the poll(2) events to wait for before the next try.
struct Moved {
  std::size_t bytes = 0;
  short wait_for = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  virtual int fd() const = 0;
  /// Goes on with the handshake: the events to wait for, 0 when it is over. Throws Error.
  virtual short handshake() = 0;
  /// Throws Error(closed) at the end of the stream too.
  virtual Moved read(std::span<char> buffer) = 0;
  /// Takes a part of `bytes`, at least one when none has to be waited for. Throws Error.
  virtual Moved write(std::string_view bytes) = 0;
};

std::unique_ptr<Transport> plain_transport(UniqueFd socket);

/// `host` is what the server's certificate has to be for, unless `tls` names another. Reads the
/// files that `tls` names. Throws Error(tls) when they can't be used.
std::unique_ptr<Transport> tls_transport(UniqueFd socket, const Tls& tls, const std::string& host);

}  // namespace wp::redis
