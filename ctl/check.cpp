#include "ctl/check.h"

namespace wp::ctl {

std::vector<std::string> run_check(const Target& target, const std::string& queue,
                                   Millis patience) {
  redis::Timeouts timeouts;
  timeouts.reply = patience;
  redis::Connection connection(target.endpoint, timeouts);
  connection.connect();
  return queue::Queue(connection, queue).check();
}

}  // namespace wp::ctl
