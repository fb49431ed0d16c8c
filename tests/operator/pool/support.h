// Pools for the tests of this folder: the smallest valid one, and changes to it.
#pragma once

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "operator/pool/parse.h"

namespace wp::pool {

inline nlohmann::json minimal_object() {
  return nlohmann::json::parse(R"({
    "apiVersion": "workerpool.dev/v1alpha1", "kind": "WorkerPool",
    "metadata": {"name": "thumbnails", "namespace": "media"},
    "spec": {
      "queue": {"redis": {"url": "redis://redis:6379/0"}},
      "workers": {
        "template": {"spec": {"containers": [{"name": "app", "image": "example.org/app:1"}]}},
        "handler": {"exec": {"command": ["/app/job"]}}}}})");
}

/// The minimal pool with a merge patch on its spec.
inline nlohmann::json object_with(const std::string& spec_patch) {
  nlohmann::json object = minimal_object();
  object["spec"].merge_patch(nlohmann::json::parse(spec_patch));
  return object;
}

inline Pool pool_with(const std::string& spec_patch) {
  ParsedPool parsed = read_pool(object_with(spec_patch));
  const std::string problems = summary(parsed.problems);
  REQUIRE_MESSAGE(parsed.problems.empty(), problems);
  return parsed.pool;
}

/// The problems of that pool as lines.
inline std::vector<std::string> lines(const std::vector<SpecProblem>& problems) {
  std::vector<std::string> out;
  for (const SpecProblem& problem : problems) out.push_back(problem.line());
  return out;
}

inline std::vector<std::string> problems_of(const std::string& spec_patch,
                                            const ParseOptions& options = {}) {
  return lines(read_pool(object_with(spec_patch), options).problems);
}

}  // namespace wp::pool
