// Which writes a stream of events becomes: the first of its kind is created, the second with the
// same note turns it into a series, later ones are only counted and written now and then. The API
// lets no note be changed: another note is another object, the first ten of a series at once, later
// ones now and then, so that the newest object says what was so last. Pure: the caller brings the
// time and sends what is answered. Owned by one EventRecorder; used by its thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "operator/kube/events.h"

namespace wp::kube {

struct EventWrite {
  std::string key;  // of the series, for restart()
  bool create;      // POST to the collection, else a merge PATCH of the event
  std::string ns;
  std::string name;  // of the event object
  nlohmann::json body;
};

class EventSeries {
 public:
  struct Limits {
    Millis window;              // an equal event within it joins the series
    Millis heartbeat;           // a long series is written again so often
    int notes = 10;             // that many different ones are written at once,
    Millis note_again{300000};  // and then the newest so often
    std::size_t max_series = 4096;
  };
  EventSeries(std::string controller, std::string instance, Limits limits);

  /// `steady` measures, `wall` is written.
  std::vector<EventWrite> seen(const Event& event, Millis steady, Millis wall);
  /// Ends the series that fell silent; answers the newest note or the final count of those that
  /// need it.
  std::vector<EventWrite> sweep(Millis steady);
  /// The event of that PATCH is gone: begins the series anew. Nothing when the series has ended, or
  /// has another event by now.
  std::optional<EventWrite> restart(const EventWrite& gone, Millis wall);

  std::size_t size() const { return series_.size(); }

 private:
  struct Series {
    Event event;  // the newest
    Millis last_seen{0};
    Millis last_seen_wall{0};
    std::int64_t repeats = 1;  // its note came so often in a row
    // Of the object on the server:
    std::string name;
    std::string written_note;
    Millis note_seen_wall{0};  // when that note came last
    std::int64_t count = 1;    // how often it came
    std::int64_t written_count = 1;
    Millis last_written{0};
    int notes = 1;  // written so far
  };
  EventWrite creation(const std::string& key, const Series& series, Millis wall) const;
  /// The newest note, which is another than the object's, gets an object of its own.
  void renew(const std::string& key, Series& series, Millis steady,
             std::vector<EventWrite>& writes);
  EventWrite update(const std::string& key, Series& series, Millis steady) const;
  std::string new_name(const Event& event, Millis wall);

  const std::string controller_;
  const std::string instance_;
  const Limits limits_;
  std::map<std::string, Series> series_;
  std::uint64_t serial_ = 0;  // makes names unique within a millisecond
};

/// At most `limit` bytes of `text`, never ending inside a UTF-8 character.
std::string cut_utf8(std::string text, std::size_t limit);

}  // namespace wp::kube
