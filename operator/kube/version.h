// The version of an API server, for what not every cluster has. Blocks; any thread.
#pragma once

#include <compare>
#include <optional>

#include <nlohmann/json.hpp>

#include "operator/kube/client.h"

namespace wp::kube {

struct ServerVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const ServerVersion&) const = default;
};

/// Init containers with restartPolicy Always, which outlive the others, are on by default from
/// here.
inline constexpr ServerVersion kNativeSidecars{1, 29};

/// The answer of /version; minor may be "29+". Nothing when it is none.
std::optional<ServerVersion> parse_server_version(const nlohmann::json& answer);

/// Asks the server. Throws KubeError.
ServerVersion read_server_version(Client& client);

}  // namespace wp::kube
