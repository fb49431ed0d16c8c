// The API server that these tests talk to, by kubectl: the one of $KUBECONFIG, else one that is
// started for this process (tests/cluster/up) and stopped at its end. Where none can be had the
// process exits with 77 (skipped) and the reason.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace wp::crds {

struct Answer {
  bool ok = false;
  std::string text;  // stdout and stderr
};

/// kubectl with these words (read by a shell) and this input.
Answer kubectl(const std::string& words, const std::string& input = {});

/// The same with an object as the input.
Answer kubectl(const std::string& words, const nlohmann::json& input);

}  // namespace wp::crds
