#include "queue/codec.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace wp::queue;

TEST_CASE("an envelope keeps any payload byte for byte") {
  const std::string payload("a\n{\"type\":\"b\"}\n\0\xff", 18);
  const Envelope envelope = decode_envelope(encode_envelope("resize", payload));
  CHECK(envelope.type == "resize");
  CHECK(envelope.payload == payload);
}

TEST_CASE("a broken envelope loses nothing") {
  for (const char* bytes : {"", "no newline", "[1]\nx", "{broken\nx"}) {
    const Envelope envelope = decode_envelope(bytes);
    CHECK(envelope.type == "default");
    CHECK(envelope.payload == bytes);
  }
  CHECK(decode_envelope("{\"type\":7}\nx").type == "default");
}

TEST_CASE("result documents: JSON stays JSON, text becomes a string, broken bytes are empty") {
  const auto pack = [](const nlohmann::json& doc) {
    const auto bytes = nlohmann::json::to_msgpack(doc);
    return std::string(bytes.begin(), bytes.end());
  };
  CHECK(result_to_json(pack({{"r", "[1,2]"}, {"d", 5}})) == R"({"duration_ms":5,"result":[1,2]})");
  CHECK(result_to_json(pack({{"r", "plain text"}})) == R"({"result":"plain text"})");
  CHECK(result_to_json("") == "{}");
  CHECK(result_to_json("\xc1garbage") == "{}");
}
