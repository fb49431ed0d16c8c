#include "base/calendar/firing.h"

#include <algorithm>

namespace wp {
namespace {

constexpr std::int64_t kHorizon = std::int64_t{9} * 366 * 86400;

// A stretch of one offset, and what the clock showed when it began: less than it shows now where
// hours were skipped, more where they are repeated.
struct Piece {
  TimeZone::Stretch stretch;
  std::int64_t clock = 0;   // shown at its begin
  std::int64_t before = 0;  // would have been shown without the jump
};

Piece piece_at(const TimeZone& zone, std::int64_t instant) {
  Piece piece;
  piece.stretch = zone.at(instant);
  piece.clock = piece.stretch.begin + piece.stretch.offset;
  piece.before = piece.stretch.begin + zone.at(piece.stretch.begin - 1).offset;
  return piece;
}

// Something of what the clock skipped when the piece began would have come due.
bool fires_at_begin(const Cron& cron, const Piece& piece) {
  return !cron.every_hour() && piece.before < piece.clock &&
         cron.first(piece.before, piece.clock).has_value();
}

// From here on the clock shows what it has not shown before.
std::int64_t first_clock(const Cron& cron, const Piece& piece) {
  return cron.every_hour() ? piece.clock : std::max(piece.clock, piece.before);
}

}  // namespace

std::optional<std::int64_t> last_firing(const Cron& cron, const TimeZone& zone,
                                        std::int64_t instant) {
  const std::int64_t oldest = instant - kHorizon;
  for (std::int64_t at = instant; at >= oldest;) {
    const Piece piece = piece_at(zone, at);
    const std::int64_t offset = piece.stretch.offset;
    const auto found = cron.last(std::max(first_clock(cron, piece), oldest + offset), at + offset);
    if (found) return *found - offset;
    if (fires_at_begin(cron, piece)) return piece.stretch.begin;
    at = piece.stretch.begin - 1;
  }
  return std::nullopt;
}

std::optional<std::int64_t> next_firing(const Cron& cron, const TimeZone& zone,
                                        std::int64_t instant) {
  const std::int64_t latest = instant + kHorizon;
  for (std::int64_t at = instant + 1; at <= latest;) {
    const Piece piece = piece_at(zone, at);
    const std::int64_t offset = piece.stretch.offset;
    if (at == piece.stretch.begin && fires_at_begin(cron, piece)) return at;
    const auto found = cron.first(std::max(first_clock(cron, piece), at + offset),
                                  std::min(piece.stretch.end, latest) + offset);
    if (found) return *found - offset;
    at = piece.stretch.end;
  }
  return std::nullopt;
}

}  // namespace wp
