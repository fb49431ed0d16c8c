#include "ctl/local_document.h"

#include <cerrno>
#include <csignal>
#include <fstream>

namespace wp::ctl {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{4} << 20;

bool is_running(std::int64_t pid) {
  if (pid <= 0 || pid > std::int64_t{1} << 22) return false;
  return kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

}  // namespace

std::optional<json> running_pool(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kMostBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  json object = json::parse(text, nullptr, false);
  if (!object.is_object() || !object.contains("local") || !object.at("local").is_object()) {
    return std::nullopt;
  }
  const auto pid = object.at("local").find("pid");
  if (pid == object.at("local").end() || !pid->is_number_integer()) return std::nullopt;
  if (!is_running(pid->get<std::int64_t>())) return std::nullopt;
  return object;
}

}  // namespace wp::ctl
