#include "tests/cluster/node/environment.h"

#include "tests/cluster/node/status.h"

namespace wp::testnode {
namespace {

struct Source {
  const char* in_env;       // member of valueFrom
  const char* in_env_from;  // member of an entry of envFrom
  Reference::Kind kind;
  const char* name;
};

constexpr Source kSources[] = {
    {"secretKeyRef", "secretRef", Reference::Kind::secret, "Secret"},
    {"configMapKeyRef", "configMapRef", Reference::Kind::config_map, "ConfigMap"},
};

// All keys of an object, decoded. Nothing when it does not exist.
std::optional<Variables> contents(const References& references, const Reference& reference) {
  const auto found = references.find(reference);
  if (found == references.end() || !found->second) return std::nullopt;
  Variables values;
  const auto data = found->second->find("data");
  if (data == found->second->end() || !data->is_object()) return values;
  for (const auto& [key, value] : data->items()) {
    if (reference.kind == Reference::Kind::config_map) {
      values[key] = value.get<std::string>();
    } else if (auto decoded = decode_base64(value.get<std::string>())) {
      values[key] = std::move(*decoded);
    }
  }
  return values;
}

// metadata.labels['KEY'] and the same for annotations.
std::optional<std::string> subscript(const std::string& path, std::string_view prefix) {
  const std::string begin = std::string(prefix) + "['";
  if (!path.starts_with(begin) || !path.ends_with("']")) return std::nullopt;
  return path.substr(begin.size(), path.size() - begin.size() - 2);
}

std::string field(const PodSpec& pod, const std::string& path) {
  if (path == "metadata.name") return pod.name;
  if (path == "metadata.namespace") return pod.ns;
  if (path == "metadata.uid") return pod.uid;
  if (path == "spec.nodeName") return pod.node;
  if (path == "spec.serviceAccountName") return pod.service_account;
  if (path == "status.podIP" || path == "status.podIPs" || path == "status.hostIP" ||
      path == "status.hostIPs") {
    return kHostAddress;
  }
  const auto lookup = [](const Variables& all, const std::string& key) {
    const auto found = all.find(key);
    return found == all.end() ? std::string() : found->second;
  };
  if (const auto key = subscript(path, "metadata.labels")) return lookup(pod.labels, *key);
  if (const auto key = subscript(path, "metadata.annotations")) {
    return lookup(pod.annotations, *key);
  }
  throw EnvironmentError("fieldRef " + path + " is not known to this node");
}

// Nothing: the variable is optional and stays unset.
std::optional<std::string> value_from(const PodSpec& pod, const Json& from,
                                      const References& references) {
  if (const auto ref = from.find("fieldRef"); ref != from.end()) {
    return field(pod, ref->value("fieldPath", ""));
  }
  for (const Source& source : kSources) {
    const auto ref = from.find(source.in_env);
    if (ref == from.end()) continue;
    const std::string name = ref->value("name", "");
    const std::string key = ref->value("key", "");
    const bool optional = ref->value("optional", false);
    const auto values = contents(references, {source.kind, name});
    if (values && values->contains(key)) return values->at(key);
    if (optional) return std::nullopt;
    if (!values) throw EnvironmentError(std::string(source.name) + " \"" + name + "\" not found");
    throw EnvironmentError("couldn't find key " + key + " in " + source.name + " " + pod.ns + "/" +
                           name);
  }
  throw EnvironmentError("a source of env is not known to this node: " +
                         (from.empty() ? std::string("none") : from.begin().key()));
}

void add_all_of(const Json& entry, const References& references, Variables& variables) {
  const std::string prefix = entry.value("prefix", "");
  for (const Source& source : kSources) {
    const auto ref = entry.find(source.in_env_from);
    if (ref == entry.end()) continue;
    const std::string name = ref->value("name", "");
    const auto values = contents(references, {source.kind, name});
    if (!values && !ref->value("optional", false)) {
      throw EnvironmentError(std::string(source.name) + " \"" + name + "\" not found");
    }
    for (const auto& [key, value] : values.value_or(Variables{})) variables[prefix + key] = value;
  }
}

}  // namespace

std::set<Reference> references_of(const ContainerSpec& container) {
  std::set<Reference> references;
  for (const Source& source : kSources) {
    for (const Json& entry : container.env) {
      const auto from = entry.find("valueFrom");
      if (from == entry.end() || !from->contains(source.in_env)) continue;
      references.insert({source.kind, from->at(source.in_env).value("name", "")});
    }
    for (const Json& entry : container.env_from) {
      const auto ref = entry.find(source.in_env_from);
      if (ref != entry.end()) references.insert({source.kind, ref->value("name", "")});
    }
  }
  return references;
}

Variables make_environment(const PodSpec& pod, const ContainerSpec& container,
                           const References& references) {
  Variables variables;
  for (const Json& entry : container.env_from) add_all_of(entry, references, variables);
  for (const Json& entry : container.env) {
    const std::string name = entry.value("name", "");
    if (const auto from = entry.find("valueFrom"); from != entry.end()) {
      if (auto value = value_from(pod, *from, references)) variables[name] = std::move(*value);
    } else {
      variables[name] = expand(entry.value("value", ""), variables);
    }
  }
  return variables;
}

std::string expand(std::string_view text, const Variables& variables) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    const std::size_t close = text[i + 1] == '(' ? text.find(')', i) : std::string_view::npos;
    if (text[i + 1] == '$') {
      result += '$';
      ++i;
    } else if (close == std::string_view::npos) {
      result += '$';
    } else {
      const auto found = variables.find(std::string(text.substr(i + 2, close - i - 2)));
      result += found != variables.end() ? found->second : text.substr(i, close - i + 1);
      i = close;
    }
  }
  return result;
}

std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  unsigned buffer = 0;
  int bits = 0;
  for (const char c : text) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    buffer = (buffer << 6 | static_cast<unsigned>(digit)) & 0xFFFF;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(buffer >> bits & 0xFF);
  }
  return bytes;
}

PathMap::PathMap(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw std::invalid_argument("\"" + entry + "\" is not PREFIX=REPLACEMENT");
    }
    replacements_[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
}

std::optional<std::string> PathMap::map(const std::string& path) const {
  // Of several prefixes of one text, the longest comes last in this order.
  std::optional<std::string> mapped;
  for (const auto& [prefix, replacement] : replacements_) {
    if (path.starts_with(prefix)) mapped = replacement + path.substr(prefix.size());
  }
  return mapped;
}

}  // namespace wp::testnode
