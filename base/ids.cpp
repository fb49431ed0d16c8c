#include "base/ids.h"

#include <mutex>
#include <stdexcept>
#include <string_view>
#include <sys/random.h>

#include "base/clock.h"

namespace wp {
namespace {

// In ASCII order, so that ids sort by time as text.
constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

constexpr int kTimeDigits = 7;    // 62^7 ms are 111 years
constexpr int kChanceDigits = 6;  // 62^6 are 5.7e10
constexpr std::uint64_t kChances = 62ULL * 62 * 62 * 62 * 62 * 62;
constexpr std::int64_t kEpoch = 1577836800000;  // 2020-01-01: leaves the digits for the years ahead

void put(std::string& out, std::uint64_t number, int digits) {
  const std::size_t start = out.size();
  out.resize(start + static_cast<std::size_t>(digits));
  for (std::size_t i = out.size(); i-- > start;) {
    out[i] = kAlphabet[number % 62];
    number /= 62;
  }
}

}  // namespace

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  if (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) {
    throw std::runtime_error("the kernel's random source does not answer");
  }
  return value;
}

std::string make_job_id() {
  static std::mutex mutex;
  static std::int64_t last_ms = 0;
  static std::uint64_t chance = 0;
  std::int64_t ms = 0;
  std::uint64_t mine = 0;
  {
    const std::lock_guard lock(mutex);
    // A clock that steps back keeps the last millisecond: uniqueness rests on the counter then.
    const std::int64_t now = system_clock().wall().count() - kEpoch;
    if (now > last_ms) {
      last_ms = now;
      chance = random_u64() % kChances;
    } else {
      chance = (chance + 1) % kChances;
    }
    ms = last_ms;
    mine = chance;
  }
  std::string id;
  put(id, static_cast<std::uint64_t>(ms), kTimeDigits);
  put(id, mine, kChanceDigits);
  return id;
}

std::string random_hex(int digits) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  std::uint64_t bits = 0;
  for (int i = 0; i < digits; ++i) {
    if (i % 16 == 0) bits = random_u64();
    text += kHex[bits & 15U];
    bits >>= 4U;
  }
  return text;
}

std::string random_uuid() {
  std::string hex = random_hex(32);
  hex[12] = '4';
  hex[16] = "89ab"[random_u64() & 3U];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

}  // namespace wp
