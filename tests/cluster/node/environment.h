// The environment and the command line of a container, as the kubelet makes them: variables from
// literal values with $(OTHER), from fields of the pod, from Secrets and ConfigMaps. Pure: the
// objects that are referred to are read by the caller.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/cluster/node/pod.h"

namespace wp::testnode {

/// An object that the environment is made from, in the pod's namespace.
struct Reference {
  enum class Kind { secret, config_map };
  Kind kind;
  std::string name;
  auto operator<=>(const Reference&) const = default;
};

/// What was read; nothing for an object that does not exist.
using References = std::map<Reference, std::optional<Json>>;
using Variables = std::map<std::string, std::string>;

/// The environment cannot be made as things are: one line for the status.
class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

std::set<Reference> references_of(const ContainerSpec& container);

/// Throws EnvironmentError for what is missing and not optional, and for sources that this node
/// does not know.
Variables make_environment(const PodSpec& pod, const ContainerSpec& container,
                           const References& references);

/// $(NAME) becomes the variable's value, $$ a dollar; what is not defined stays as it is.
std::string expand(std::string_view text, const Variables& variables);

/// Bytes of base64 text; nothing when it is none.
std::optional<std::string> decode_base64(std::string_view text);

/// Programs that stand elsewhere on this machine than in an image: the longest prefix wins.
class PathMap {
 public:
  PathMap() = default;
  /// Each entry is PREFIX=REPLACEMENT. Throws std::invalid_argument.
  explicit PathMap(const std::vector<std::string>& entries);

  /// The path on this machine; nothing when no prefix fits.
  std::optional<std::string> map(const std::string& path) const;

 private:
  Variables replacements_;
};

}  // namespace wp::testnode
