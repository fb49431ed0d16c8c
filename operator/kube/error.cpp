#include "operator/kube/error.h"

#include <algorithm>
#include <utility>

namespace wp::kube {
namespace {

std::string describe(const KubeError::Status& status) {
  std::string text = std::to_string(status.code);
  if (!status.reason.empty()) text += " " + status.reason;
  if (!status.message.empty()) text += ": " + status.message;
  return text;
}

}  // namespace

std::string_view to_string(Transport transport) {
  switch (transport) {
    case Transport::none:
      return "none";
    case Transport::connect:
      return "connect";
    case Transport::tls:
      return "tls";
    case Transport::timeout:
      return "timeout";
    case Transport::broken:
      return "broken";
    case Transport::too_large:
      return "too_large";
    case Transport::protocol:
      return "protocol";
    case Transport::token:
      return "token";
    case Transport::stopped:
      return "stopped";
    case Transport::barred:
      return "barred";
  }
  return "none";
}

KubeError::KubeError(Status status)
    : std::runtime_error(describe(status)), status_(std::move(status)) {}

KubeError::KubeError(Transport transport, const std::string& message)
    : std::runtime_error(message), transport_(transport) {
  status_.message = message;
}

bool KubeError::has_cause(std::string_view reason) const {
  return std::any_of(status_.causes.begin(), status_.causes.end(),
                     [reason](const Cause& cause) { return cause.reason == reason; });
}

bool KubeError::is_expired() const {
  return code() == 410 || reason() == "Expired" || reason() == "Gone";
}

bool KubeError::is_version_too_large() const {
  return code() == 504 && has_cause("ResourceVersionTooLarge");
}

bool KubeError::is_invalid() const {
  // A template with a wrong type in it is answered with a 500 without a reason.
  return code() == 400 || code() == 422 ||
         (code() == 500 && message().starts_with("failed to create typed patch object"));
}

bool KubeError::retryable() const {
  switch (transport_) {
    case Transport::none:
      break;
    case Transport::stopped:
    case Transport::too_large:
      return false;
    default:
      return true;
  }
  return !is_invalid() && (code() == 429 || code() >= 500);
}

std::string KubeError::error_class() const {
  switch (transport_) {
    case Transport::none:
      break;
    case Transport::connect:
      return "Unreachable";
    case Transport::tls:
      return "Tls";
    case Transport::timeout:
      return "Timeout";
    case Transport::broken:
      return "Broken";
    case Transport::too_large:
      return "TooLarge";
    case Transport::protocol:
      return "Protocol";
    case Transport::token:
      return "Credentials";
    case Transport::barred:
    case Transport::stopped:
      return "Stopped";
  }
  return reason().empty() || reason().size() > 64 ? "Http" + std::to_string(code()) : reason();
}

}  // namespace wp::kube
