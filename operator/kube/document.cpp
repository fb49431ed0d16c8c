#include "operator/kube/document.h"

#include "operator/kube/store.h"

namespace wp::kube {
namespace {

using Json = nlohmann::json;

std::string text(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto field = object.find(name);
  return field != object.end() && field->is_string() ? field->get<std::string>() : "";
}

std::int64_t number(const Json& object, const char* name) {
  if (!object.is_object()) return 0;
  const auto field = object.find(name);
  return field != object.end() && field->is_number_integer() ? field->get<std::int64_t>() : 0;
}

}  // namespace

std::string metadata_text(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto metadata = object.find("metadata");
  return metadata == object.end() ? "" : text(*metadata, name);
}

std::string continue_token(const Json& list) {
  return metadata_text(list, "continue");
}

std::string object_key(std::string_view ns, std::string_view name) {
  std::string key;
  key.reserve(ns.size() + name.size() + 1);
  if (!ns.empty()) key.append(ns).append("/");
  return key.append(name);
}

std::string key_of(const Json& object) {
  const std::string name = metadata_text(object, "name");
  return name.empty() ? "" : object_key(metadata_text(object, "namespace"), name);
}

KubeError::Status parse_status(const Json& status) {
  KubeError::Status result;
  result.code = static_cast<int>(number(status, "code"));
  result.reason = text(status, "reason");
  result.message = text(status, "message");
  if (!status.is_object()) return result;
  const auto details = status.find("details");
  if (details == status.end() || !details->is_object()) return result;
  const std::int64_t seconds = number(*details, "retryAfterSeconds");
  if (seconds > 0) result.retry_after = Millis{1000} * seconds;
  const auto causes = details->find("causes");
  if (causes == details->end() || !causes->is_array()) return result;
  for (const Json& cause : *causes) {
    result.causes.push_back({text(cause, "reason"), text(cause, "field"), text(cause, "message")});
  }
  return result;
}

}  // namespace wp::kube
