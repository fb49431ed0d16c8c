#include "operator/cluster/status_writer.h"

#include "operator/cluster/pools.h"
#include "operator/pool/status.h"

namespace wp::cluster {
namespace {

std::string path_of(const pool::Pool& pool, std::string_view sub = {}) {
  return kube::resource_path(kPools, pool.meta.ns, pool.meta.name, std::string(sub));
}

// A failed test of a JSON patch and a status that breaks the schema are both answered 422.
bool has_namesake(kube::Client& client, const pool::Pool& pool) {
  try {
    return client.get(path_of(pool)).at("metadata").at("uid") != pool.meta.uid;
  } catch (const kube::KubeError& error) {
    if (error.is_not_found()) return true;
    throw;
  }
}

}  // namespace

controller::StatusWriter status_writer(kube::Client& client) {
  return [&client](const pool::Pool& pool, const pool::Status& status) {
    const nlohmann::json patch = {
        {{"op", "test"}, {"path", "/metadata/uid"}, {"value", pool.meta.uid}},
        {{"op", "add"}, {"path", "/status"}, {"value", to_json(status)}}};
    try {
      (void)client.patch(path_of(pool, "status"), kube::PatchType::json, patch,
                         {.field_manager = "workerpool-operator"});
    } catch (const kube::KubeError& error) {
      if (error.is_not_found()) return;
      if (!error.is_invalid() || !has_namesake(client, pool)) throw;
    }
  };
}

}  // namespace wp::cluster
