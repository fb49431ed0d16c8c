// Pools of local mode: a document per pool in the runtime folder (operator/local/status_file.h).
#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <optional>

#include "ctl/connect.h"
#include "ctl/pools/source.h"

namespace wp::ctl {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{4} << 20;

bool is_running(std::int64_t pid) {
  if (pid <= 0 || pid > std::int64_t{1} << 22) return false;
  return kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

// Nothing for what is no pool's document, or was left by one that is gone.
std::optional<ShownPool> read_pool(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kMostBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  json object = json::parse(text, nullptr, false);
  if (!object.is_object() || !object.contains("local") || !object.at("local").is_object()) {
    return std::nullopt;
  }
  const json local = object.at("local");
  const auto pid = local.find("pid");
  if (pid == local.end() || !pid->is_number_integer() || !is_running(pid->get<std::int64_t>())) {
    return std::nullopt;
  }
  ShownPool shown;
  shown.local = true;
  const auto leaving = local.find("leaving");
  if (leaving != local.end() && leaving->is_array()) {
    for (const json& name : *leaving) {
      if (name.is_string()) shown.leaving.push_back({name.get<std::string>(), false});
    }
  }
  object.erase("local");
  shown.object = std::move(object);
  shown.source = fmt::format("local mode on this machine (process {})", pid->get<std::int64_t>());
  if (shown.key().empty()) return std::nullopt;
  return shown;
}

class LocalPools final : public PoolSource {
 public:
  explicit LocalPools(std::string folder) : folder_(std::move(folder)) {}

  std::vector<ShownPool> list() override {
    std::vector<ShownPool> all;
    for (const auto& file : local_files(folder_, ".status.json")) {
      if (auto one = read_pool(file)) all.push_back(std::move(*one));
    }
    return all;
  }

  ShownPool find(const std::string& name) override {
    std::vector<ShownPool> all = list();
    if (name.empty() && all.size() == 1) return std::move(all.front());
    for (ShownPool& one : all) {
      const std::string key = one.key();
      if (!name.empty() && (key == name || key.ends_with("/" + name))) return std::move(one);
    }
    throw unknown_pool(name, "local mode on this machine", all);
  }

 private:
  std::string folder_;
};

}  // namespace

std::unique_ptr<PoolSource> local_pools(const std::string& folder) {
  return std::make_unique<LocalPools>(folder);
}

}  // namespace wp::ctl
