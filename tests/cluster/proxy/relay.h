// One connection through the proxy: what the client says is passed on at once, what the server
// answers as well, but for a watch of the kind in question: each piece of that (an event, mostly)
// is passed on `delay()` after it came, in order, as is the end of the connection. Runs on the
// thread that calls it until either side has ended. Throws RequestError.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "tests/cluster/proxy/channel.h"

namespace wp::testproxy {

struct Delaying {
  std::string plural;             // pods
  std::function<Millis()> delay;  // asked for each piece
};

void relay(Channel& client, Channel& server, const Delaying& delaying);

}  // namespace wp::testproxy
