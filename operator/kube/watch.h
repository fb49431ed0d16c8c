// List and watch as a state machine, in the manner of kube-rs: step() takes what the server said
// and answers what became of the objects and what to do next. It has no clock, no socket and no
// randomness; the runner (reflector_loop.cpp) owns those. Used by one thread.
//
//   need_list ──► listing (pages) ──► watching ──► watching (again, from the last version seen)
//       ▲             │                  │
//       └─────────────┴── expired, or an answer that cannot be trusted
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "operator/kube/error.h"

namespace wp::kube {

// What the server said.

/// One page of a list, as it came.
struct ListAnswered {
  nlohmann::json document;
};
/// A list, or the opening of a watch, failed.
struct RequestFailed {
  KubeError error;
};
/// One line of a watch, parsed; discarded JSON stands for a line that is none.
struct WatchLine {
  nlohmann::json event;
};
/// The stream of a watch is over.
struct WatchEnded {
  bool very_short = false;  // it ended within a moment and brought nothing
};
using Said = std::variant<ListAnswered, RequestFailed, WatchLine, WatchEnded>;

// What became of the objects.

struct ReplaceBegun {};
struct ReplaceItem {
  nlohmann::json object;
};
struct ReplaceEnded {};
struct Applied {
  nlohmann::json object;
};
struct Removed {
  nlohmann::json object;  // its last state
};
using WatchEvent = std::variant<ReplaceBegun, ReplaceItem, ReplaceEnded, Applied, Removed>;

// What to do next.

struct Next {
  enum class Do { list, watch, read };  // read: the stream goes on
  Do what = Do::list;
  std::string resource_version;        // watch: from here
  std::string continue_token;          // list: the next page
  bool paged = true;                   // list: with a limit
  bool back_off = false;               // wait before doing it
  std::optional<Millis> at_least;      // the server asked for that much of a wait
  std::optional<std::string> problem;  // why, in one line, when something went wrong
  std::string problem_class;           // one word of low cardinality
};

class WatchMachine {
 public:
  /// The first thing to do: a list, at once.
  Next start() const { return {}; }

  struct Step {
    std::vector<WatchEvent> events;
    Next next;
  };
  Step step(Said said);

  /// A complete list was seen, and every change since as far as the server told.
  bool listed() const { return listed_; }
  const std::string& resource_version() const { return version_; }

 private:
  Step on(ListAnswered said);
  Step on(const RequestFailed& said);
  Step on(WatchLine said);
  Step on(WatchEnded said);
  Step on_error_event(const nlohmann::json& status);
  Next list_again(const std::string& problem, const std::string& problem_class);
  Next watch_again(bool back_off) const;
  void see(const nlohmann::json& object);

  // A server that answers 500 to one version for ever may do better after a list.
  static constexpr int kMaxFailuresAtVersion = 5;

  enum class State { listing, watching } state_ = State::listing;
  bool listed_ = false;
  bool mid_list_ = false;        // a page was seen, more are to come
  bool paged_ = true;            // false after a continue token expired
  int failures_at_version_ = 0;  // of the watch, since anything came
  std::string version_;
};

}  // namespace wp::kube
