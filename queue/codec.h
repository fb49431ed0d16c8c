// The bytes inside the keys: a job's envelope, its facts as the scripts pack them, and the result
// document. Pure.
//
// Envelope: one line of JSON with the job's facts, a newline, then the payload as it was given:
//   {"type":"thumbnail"}\n<payload bytes>
// A job of type "default" with nothing else to say has an empty line. Further members: "timeout_ms"
// (of one attempt), "chain" (the later steps: id, type, priority, timeout_ms, payload or
// payload_base64), "previous" (the result before).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "queue/job.h"

namespace wp::queue {

struct Envelope {
  std::string type;
  std::string payload;
  std::vector<ChainStep> chain;
  std::string previous;
  Millis timeout{0};
};

std::string encode_envelope(const NewJob& job);
/// An envelope that breaks the form (a foreign producer's mistake) is answered with type "default"
/// and everything as payload: the handler decides, nothing is lost. A timeout that is none
/// (no number, out of bounds) is left out.
Envelope decode_envelope(std::string_view bytes);

/// ENQUEUE's options of a job: empty, or JSON {"unique", "unique_ms", "session"}.
std::string encode_options(const NewJob& job);

/// The extras of a completed job's settlement; empty when there are none.
std::string encode_extras(const Settlement& settlement);

/// The fence of a claim as the scripts compare it.
std::string encode_fence(std::int64_t epoch);

/// A completed job's record: the MessagePack pairs r (result, at most 64 KiB) and d (duration).
std::string encode_record(std::string_view result, Millis duration);

/// T:own, as a claim answers it: the fence and the facts. Throws redis::Error(protocol).
struct Own {
  std::int64_t epoch = 0;
  bool suspect = false;
  int priority = 0;
  int failures = 0, crashes = 0, losses = 0;
  Millis ready_since{0};  // when it became ready, Redis's clock
  std::string session;
};
Own decode_own(std::string_view packed);

/// T:body is the envelope, then so many bytes of facts.
inline constexpr std::size_t kBodyTailBytes = 14;

/// Whether a worker's own words (T:winfo, JSON) say that its handler cannot run. Whatever stands
/// there.
bool says_broken(const std::string& info);

/// T:res (MessagePack) as a JSON document with the names that people read: result, error,
/// duration_ms, progress, message, history. "{}" when it is empty or broken.
std::string result_to_json(std::string_view packed);

}  // namespace wp::queue
