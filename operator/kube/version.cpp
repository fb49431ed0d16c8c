#include "operator/kube/version.h"

#include <charconv>
#include <string>

namespace wp::kube {
namespace {

// The digits that it begins with: providers append signs of their own.
std::optional<int> leading_number(const Json& answer, const char* key) {
  const auto found = answer.find(key);
  if (found == answer.end() || !found->is_string()) return std::nullopt;
  const std::string& text = found->get_ref<const std::string&>();
  int number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<ServerVersion> parse_server_version(const Json& answer) {
  if (!answer.is_object()) return std::nullopt;
  const auto major = leading_number(answer, "major");
  const auto minor = leading_number(answer, "minor");
  if (!major || !minor) return std::nullopt;
  return ServerVersion{*major, *minor};
}

ServerVersion read_server_version(Client& client) {
  const auto version = parse_server_version(client.get("/version"));
  if (!version) throw KubeError(Transport::protocol, "the answer to /version names no version");
  return *version;
}

}  // namespace wp::kube
