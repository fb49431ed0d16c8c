// Pools for the tests of operator/workload, written as their users write them.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "operator/pool/parse.h"
#include "operator/pool/yaml.h"

namespace wp::test {

/// media/thumbnails with these `workers` (YAML), and the queue's own fields if there are any.
inline pool::Pool pool_with_workers(
    const std::string& workers, const std::string& queue = "{redis: {url: redis://redis:6379/0}}") {
  nlohmann::json object = {
      {"apiVersion", pool::kApiVersion},
      {"kind", pool::kKind},
      {"metadata",
       {{"namespace", "media"}, {"name", "thumbnails"}, {"uid", "u-1"}, {"generation", 1}}},
      {"spec", {{"queue", pool::yaml_document(queue)}, {"workers", pool::yaml_document(workers)}}}};
  return pool::parse_pool(object);
}

/// The least that a pool with a handler says.
inline pool::Pool plain_pool() {
  return pool_with_workers(R"(
template: {spec: {containers: [{name: app, image: registry/app:1}]}}
handler: {exec: {command: [python3, /app/job.py, "a b"]}}
)");
}

}  // namespace wp::test
