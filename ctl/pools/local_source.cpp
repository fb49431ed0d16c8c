// Pools of local mode: a document per pool in the runtime folder (operator/local/status_file.h).
#include <fmt/format.h>
#include <optional>

#include "ctl/connect.h"
#include "ctl/local_document.h"
#include "ctl/pools/source.h"

namespace wp::ctl {
namespace {

using nlohmann::json;

// Nothing for what is no pool's document, or was left by one that is gone.
std::optional<ShownPool> read_pool(const std::filesystem::path& file) {
  std::optional<json> object = running_pool(file);
  if (!object) return std::nullopt;
  const json local = object->at("local");
  ShownPool shown;
  shown.local = true;
  const auto leaving = local.find("leaving");
  if (leaving != local.end() && leaving->is_array()) {
    for (const json& name : *leaving) {
      if (name.is_string()) shown.leaving.push_back({name.get<std::string>(), false});
    }
  }
  object->erase("local");
  shown.object = std::move(*object);
  shown.source =
      fmt::format("local mode on this machine (process {})", local.at("pid").get<std::int64_t>());
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
