#include "queue/codec.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "queue/redis/error.h"

using namespace wp::queue;

TEST_CASE("an envelope keeps any payload byte for byte") {
  const std::string payload("a\n{\"type\":\"b\"}\n\0\xff", 18);
  NewJob job;
  job.type = "resize";
  job.payload = payload;
  const Envelope envelope = decode_envelope(encode_envelope(job));
  CHECK(envelope.type == "resize");
  CHECK(envelope.payload == payload);
}

TEST_CASE("a worker is broken when its own words say so, whatever else may stand there") {
  CHECK(says_broken(R"({"slots":1,"broken":true})"));
  for (const char* words : {"", "{}", R"({"broken":false})", R"({"broken":"true"})", "[true]",
                            R"({"broken":tr)", "\xff"}) {
    CHECK_FALSE(says_broken(words));
  }
}

TEST_CASE("a job with nothing to say beside its payload costs one byte") {
  NewJob job;
  job.payload = "{\"n\":1}";
  CHECK(encode_envelope(job) == "\n{\"n\":1}");
  const Envelope envelope = decode_envelope(encode_envelope(job));
  CHECK(envelope.type == "default");
  CHECK(envelope.payload == job.payload);
}

TEST_CASE("a chain travels in the envelope, whatever its payloads' bytes") {
  NewJob job;
  job.type = "upload";
  job.payload = "first";
  job.previous = "\"before\"";
  for (const std::string& payload :
       {std::string("text"), std::string("\xff\0\x01z", 4), std::string("\xff"), std::string()}) {
    ChainStep step;
    step.id = "step";
    step.type = "process";
    step.priority = 7;
    step.payload = payload;
    job.chain.push_back(step);
  }
  const Envelope envelope = decode_envelope(encode_envelope(job));
  CHECK(envelope.payload == "first");
  CHECK(envelope.previous == "\"before\"");
  REQUIRE(envelope.chain.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(envelope.chain[i].payload == job.chain[i].payload);
    CHECK(envelope.chain[i].type == "process");
    CHECK(envelope.chain[i].priority == 7);
  }

  const auto next = next_in_chain("s", envelope.chain, "42");
  REQUIRE(next.has_value());
  CHECK(next->payload == "text");
  CHECK(next->previous == "42");
  CHECK(next->session == "s");
  CHECK(next->chain.size() == 3);
  CHECK_FALSE(next_in_chain("s", {}, "42").has_value());
}

TEST_CASE("a time-out travels in the header, each step's with its step") {
  NewJob job;
  job.payload = "p";
  job.timeout = wp::Millis{30'000};
  job.chain.resize(2);
  job.chain[1].timeout = wp::Millis{5};
  CHECK(encode_envelope(NewJob{}) == "\n");
  const Envelope envelope = decode_envelope(encode_envelope(job));
  CHECK(envelope.type == "default");
  CHECK(envelope.payload == "p");
  CHECK(envelope.timeout == wp::Millis{30'000});
  REQUIRE(envelope.chain.size() == 2);
  CHECK(envelope.chain[0].timeout == wp::Millis{0});
  const auto second = next_in_chain("", envelope.chain, "");
  CHECK(second->timeout == wp::Millis{0});
  CHECK(next_in_chain("", second->chain, "")->timeout == wp::Millis{5});
}

TEST_CASE("a foreign header's time-out that is none is left out, and nothing else") {
  struct Row {
    const char* value;
    std::int64_t ms;
  };
  for (const Row& row :
       {Row{"1", 1}, Row{"30000", 30000}, Row{"30000.0", 30000}, Row{"2592000000", 2592000000},
        Row{"2592000001", 0}, Row{"0", 0}, Row{"0.5", 0}, Row{"-5", 0}, Row{"\"30s\"", 0},
        Row{"null", 0}, Row{"true", 0}, Row{"[1]", 0}, Row{"1e300", 0},
        Row{"18446744073709551615", 0}, Row{"-9223372036854775808", 0}}) {
    CAPTURE(row.value);
    const std::string member = std::string("\"timeout_ms\":") + row.value;
    const Envelope envelope = decode_envelope("{\"type\":\"t\"," + member +
                                              ",\"chain\":[{\"type\":\"u\"," + member + "}]}\nx");
    CHECK(envelope.timeout.count() == row.ms);
    CHECK(envelope.type == "t");
    CHECK(envelope.payload == "x");
    REQUIRE(envelope.chain.size() == 1);
    CHECK(envelope.chain[0].timeout.count() == row.ms);
    CHECK(envelope.chain[0].type == "u");
  }
}

TEST_CASE("a chain's step with a name that no job may have gets another") {
  const Envelope envelope = decode_envelope(
      "{\"chain\":[{\"id\":\"../../x\",\"type\":\"a b\"},{\"id\":\"fine\",\"type\":\"t\"}]}\n");
  REQUIRE(envelope.chain.size() == 2);
  CHECK(envelope.chain[0].id.empty());
  CHECK(envelope.chain[0].type == "default");
  CHECK(envelope.chain[1].id == "fine");
  CHECK(envelope.chain[1].type == "t");
}

TEST_CASE("a chain's step has the nearest priority that there is") {
  const Envelope envelope = decode_envelope(
      "{\"chain\":[{\"priority\":-1},{\"priority\":4294967297},"
      "{\"priority\":18446744073709551615}]}\n");
  REQUIRE(envelope.chain.size() == 3);
  CHECK(envelope.chain[0].priority == 0);
  CHECK(envelope.chain[1].priority == 255);
  CHECK(envelope.chain[2].priority == 255);
}

TEST_CASE("a fence that is cut short is an error, not a number") {
  CHECK_THROWS_AS((void)decode_own("short"), wp::redis::Error);
  const std::string facts(35, '\0');  // all of them, and no byte is both a fact and the fence
  CHECK_THROWS_AS((void)decode_own(facts), wp::redis::Error);
  CHECK_THROWS_AS((void)decode_own(facts + "1234567"), wp::redis::Error);
  CHECK(decode_own(facts + encode_fence(7)).epoch == 7);
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
  // Deeper than the stack: told as text, or not at all.
  const std::string deep = std::string(8000, '[') + std::string(8000, ']');
  CHECK(result_to_json(pack({{"r", deep}})) == "{\"result\":\"" + deep + "\"}");
  CHECK(result_to_json("\x81\xa1"
                       "e" +
                       std::string(300000, '\x91') + "\xc0") == "{}");
}
