#include "queue/redis/sentinel.h"

#include <algorithm>
#include <fmt/format.h>

#include "queue/redis/login.h"

namespace wp::redis {
namespace {

Address ask(const Sentinel& sentinel, const Address& node, Channel& channel, Millis deadline) {
  channel.open(node, sentinel.tls, deadline);
  std::vector<Command> commands =
      login_commands(sentinel.username, sentinel.password, sentinel.password_file);
  commands.push_back({"SENTINEL", "get-master-addr-by-name", sentinel.master_name});
  const std::vector<Reply> replies = channel.exchange(commands, deadline);
  throw_first_error(replies);
  const Reply& answer = replies.back();
  if (answer.is_nil()) {
    throw Error(ErrorClass::refused,
                fmt::format("knows no master named \"{}\"", sentinel.master_name));
  }
  const std::int64_t port = answer.at(1).integer();
  if (port < 1 || port > 65535) throw Error(ErrorClass::protocol, "names no port");
  return {answer.at(0).text(), static_cast<int>(port)};
}

}  // namespace

Address find_master(const Sentinel& sentinel, std::size_t& first, Channel& channel,
                    Millis deadline) {
  const std::size_t count = sentinel.nodes.size();
  std::string problems;
  ErrorClass last = ErrorClass::refused;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t index = (first + i) % count;
    const Address& node = sentinel.nodes[index];
    const Millis now = system_clock().steady();
    // One share is left for the master itself.
    const auto shares = static_cast<std::int64_t>(count - i + 1);
    const Millis share = std::max(Millis{0}, deadline - now) / shares;
    try {
      const Address master = ask(sentinel, node, channel, now + share);
      channel.close();
      first = index;
      return master;
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& e) {
      channel.close();
      last = e.error_class();
      problems +=
          fmt::format("{}sentinel {}: {}", problems.empty() ? "" : "; ", node.describe(), e.what());
    }
  }
  throw Error(last, problems);
}

}  // namespace wp::redis
