// The bytes inside the keys: a job's envelope, and the packed result document. Pure.
//
// Envelope: one line of JSON with the job's facts, a newline, then the payload as it was given:
//   {"type":"thumbnail"}\n<payload bytes>
#pragma once

#include <string>
#include <string_view>

namespace wp::queue {

struct Envelope {
  std::string type;
  std::string payload;
};

std::string encode_envelope(std::string_view type, std::string_view payload);
/// An envelope that breaks the form (a foreign producer's mistake) is answered with type "default"
/// and everything as payload: the handler decides, nothing is lost.
Envelope decode_envelope(std::string_view bytes);

/// T:res (MessagePack) as a JSON document with the names that people read: result, error,
/// duration_ms, progress, message, history. "{}" when it is empty or broken.
std::string result_to_json(std::string_view packed);

}  // namespace wp::queue
