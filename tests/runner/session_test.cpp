#include "runner/session.h"

#include <doctest/doctest.h>

using namespace wp::runner;

TEST_CASE("a merge patch sets, replaces, removes, and leaves the rest (RFC 7396)") {
  CHECK(merge_session("{}", R"({"a":1})") == R"({"a":1})");
  CHECK(merge_session(R"({"a":1,"b":[1,2]})", R"({"b":[]})") == R"({"a":1,"b":[]})");
  CHECK(merge_session(R"({"a":{"x":1,"y":2}})", R"({"a":{"x":null}})") == R"({"a":{"y":2}})");
  CHECK(merge_session(R"({"a":"ä"})", "{}") == R"({"a":"ä"})");
}

TEST_CASE("numbers that a double cannot hold stay what they are") {
  CHECK(merge_session(R"({"id":9007199254740993})", R"({"n":-1})") ==
        R"({"id":9007199254740993,"n":-1})");
}

TEST_CASE("a document that is none begins anew") {
  const std::string deep = "{\"a\":" + std::string(200000, '[') + std::string(200000, ']') + "}";
  for (const std::string& document : {std::string(), std::string("[1]"), std::string("7"),
                                      std::string("{broken"), std::string("\xff"), deep}) {
    CHECK(merge_session(document, R"({"a":1})") == R"({"a":1})");
  }
}
