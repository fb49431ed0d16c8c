#include "operator/kube/document.h"

#include <doctest/doctest.h>

#include "operator/kube/version.h"

namespace wp::kube {
namespace {

using nlohmann::json;

TEST_CASE("documents that are not what they should be read as empty") {
  for (const char* text : {"null", "[]", "3", "{}", R"({"metadata":3})", R"({"metadata":{}})",
                           R"({"metadata":{"name":{},"continue":[]}})", R"({"details":[]})",
                           R"({"details":{"causes":{}}})", R"({"code":"x","reason":7})"}) {
    CAPTURE(text);
    const json document = json::parse(text);
    CHECK(key_of(document).empty());
    CHECK(continue_token(document).empty());
    CHECK(parse_status(document).code == 0);
  }
}

TEST_CASE("keys") {
  CHECK(key_of(json::parse(R"({"metadata":{"name":"a","namespace":"n"}})")) == "n/a");
  CHECK(key_of(json::parse(R"({"metadata":{"name":"a"}})")) == "a");
}

TEST_CASE("what an error is, is told from its Status") {
  const KubeError expired(parse_status(json::parse(R"({"code":410,"reason":"Expired"})")));
  CHECK(expired.is_expired());
  CHECK_FALSE(expired.retryable());
  const KubeError lagging(parse_status(json::parse(
      R"({"code":504,"reason":"Timeout","details":{"retryAfterSeconds":2,
          "causes":[{"reason":"ResourceVersionTooLarge"}]}})")));
  CHECK(lagging.is_version_too_large());
  CHECK(lagging.retryable());
  CHECK(lagging.retry_after() == Millis{2000});
  const KubeError exists(parse_status(json::parse(R"({"code":409,"reason":"AlreadyExists"})")));
  CHECK(exists.is_already_exists());
  CHECK_FALSE(exists.is_conflict());
  const KubeError owned(parse_status(json::parse(
      R"({"code":409,"reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict",
          "field":".spec.replicas","message":"conflict with \"hpa\""}]}})")));
  CHECK(owned.is_conflict());
  CHECK(owned.is_field_manager_conflict());
  CHECK(owned.causes().at(0).field == ".spec.replicas");
  const KubeError typo({.code = 500, .message = "failed to create typed patch object (x): y"});
  CHECK(typo.is_invalid());
  CHECK_FALSE(typo.retryable());
  CHECK(typo.error_class() == "Http500");
  CHECK(KubeError({.code = 500}).retryable());
  CHECK(KubeError({.code = 429}).retryable());
  CHECK_FALSE(KubeError({.code = 403, .reason = "Forbidden"}).retryable());
  CHECK(KubeError(Transport::timeout, "x").retryable());
  CHECK_FALSE(KubeError(Transport::stopped, "x").retryable());
  CHECK(KubeError(Transport::connect, "x").error_class() == "Unreachable");
}

}  // namespace
}  // namespace wp::kube

TEST_CASE("the server's version") {
  const auto parse = [](const char* text) {
    return wp::kube::parse_server_version(nlohmann::json::parse(text));
  };
  CHECK(parse(R"({"major": "1", "minor": "34"})") == wp::kube::ServerVersion{1, 34});
  CHECK(parse(R"({"major": "1", "minor": "29+"})") == wp::kube::ServerVersion{1, 29});
  CHECK(*parse(R"({"major": "1", "minor": "29"})") >= wp::kube::kNativeSidecars);
  CHECK(*parse(R"({"major": "1", "minor": "28"})") < wp::kube::kNativeSidecars);
  CHECK(*parse(R"({"major": "2", "minor": "0"})") >= wp::kube::kNativeSidecars);
  for (const char* none :
       {"{}", "[]", R"({"major": 1, "minor": 2})", R"({"major": "", "minor": "x"})"}) {
    CHECK_FALSE(parse(none));
  }
}
