// What stands in the keys of a queue, whoever wrote it.
#include <limits>

#include <nlohmann/json.hpp>

#include "queue/codec.h"
#include "queue/redis/error.h"
#include "tests/fuzz/require.h"

using namespace wp;
using namespace wp::queue;
using fuzz::require;

namespace {

void check_step(const ChainStep& step) {
  NewJob job;
  job.id = step.id;
  job.type = step.type;
  job.payload = step.payload;
  job.priority = step.priority;
  require(problem_with(job, std::numeric_limits<std::int64_t>::max()).empty(),
          "a step of a chain can be enqueued");
}

bool same(const Envelope& one, const Envelope& other) {
  const auto same_step = [](const ChainStep& a, const ChainStep& b) {
    return a.id == b.id && a.type == b.type && a.payload == b.payload && a.priority == b.priority;
  };
  return one.type == other.type && one.payload == other.payload && one.previous == other.previous &&
         one.chain.size() == other.chain.size() &&
         std::equal(one.chain.begin(), one.chain.end(), other.chain.begin(), same_step);
}

void check_envelope(std::string_view bytes) {
  const Envelope envelope = decode_envelope(bytes);
  require(bytes.ends_with(envelope.payload), "a payload is handed on as it is");
  for (const ChainStep& step : envelope.chain) check_step(step);
  NewJob job;
  job.type = envelope.type;
  job.payload = envelope.payload;
  job.chain = envelope.chain;
  job.previous = envelope.previous;
  require(same(decode_envelope(encode_envelope(job)), envelope),
          "an envelope, written down, is read as the same");
}

void check_own(std::string_view packed) {
  constexpr std::size_t kFacts = 35;  // before the session's name and the fence
  constexpr std::size_t kFence = 8;
  try {
    const Own own = decode_own(packed);
    require(own.priority >= 0 && own.priority <= 255, "a priority");
    require(own.failures >= 0 && own.crashes >= 0 && own.losses >= 0, "counts");
    require(packed.size() >= kFacts + own.session.size() + kFence, "no byte is read twice");
    require(packed.ends_with(encode_fence(own.epoch)), "the fence is the end");
  } catch (const redis::Error& e) {
    require(e.error_class() == redis::ErrorClass::protocol, "what is wrong is the protocol");
  }
}

void check_result(std::string_view packed) {
  const std::string text = result_to_json(packed);
  require(nlohmann::json::accept(text) && text.starts_with('{'), "a result is shown as an object");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_envelope(bytes);
  check_own(bytes);
  check_result(bytes);
  // As what a handler answered.
  check_result(encode_record(bytes.substr(0, 60000), Millis{1}).insert(0, 1, '\x82'));
  return 0;
}
