#include "operator/kube/event_series.h"

#include <doctest/doctest.h>

namespace wp::kube {
namespace {

Event event(const std::string& reason = "ScaledUp", const std::string& note = "1 to 2") {
  return {.regarding = {.api_version = "example.dev/v1",
                        .kind = "Thing",
                        .ns = "ns",
                        .name = "a",
                        .uid = "u"},
          .type = EventType::normal,
          .reason = reason,
          .action = "Scale",
          .note = note};
}

EventSeries series() {
  return {
      "example.dev/operator", "pod-1", {.window = Millis{360000}, .heartbeat = Millis{1800000}}};
}

TEST_CASE("the first event is created with everything the API demands") {
  EventSeries all = series();
  const auto writes = all.seen(event(), Millis{0}, Millis{1004});
  REQUIRE(writes.size() == 1);
  CHECK(writes[0].create);
  CHECK(writes[0].ns == "ns");
  const nlohmann::json& body = writes[0].body;
  CHECK(body["metadata"]["name"] == writes[0].name);
  CHECK(writes[0].name.starts_with("a."));
  CHECK(body["eventTime"] == "1970-01-01T00:00:01.004000Z");
  CHECK(body["reportingController"] == "example.dev/operator");
  CHECK(body["reportingInstance"] == "pod-1");
  CHECK(body["regarding"]["uid"] == "u");
  CHECK(body["type"] == "Normal");
  CHECK(body["note"] == "1 to 2");
}

TEST_CASE("equal events become a series: second written, later counted, final count at the end") {
  EventSeries all = series();
  const std::string name = all.seen(event(), Millis{0}, Millis{0}).at(0).name;
  const auto second = all.seen(event(), Millis{1000}, Millis{1000});
  REQUIRE(second.size() == 1);
  CHECK_FALSE(second[0].create);
  CHECK(second[0].name == name);
  CHECK(second[0].body["series"]["count"] == 2);
  CHECK(all.seen(event(), Millis{2000}, Millis{2000}).empty());
  CHECK(all.sweep(Millis{361999}).empty());
  const auto last = all.sweep(Millis{362000});
  REQUIRE(last.size() == 1);
  CHECK(last[0].body["series"]["count"] == 3);
  CHECK(last[0].body["series"]["lastObservedTime"] == "1970-01-01T00:00:02.000000Z");
  CHECK(all.size() == 0);
  CHECK(all.seen(event(), Millis{400000}, Millis{400000}).at(0).create);
}

TEST_CASE("another note is another object: the newest says what was so last") {
  EventSeries all = series();
  const std::string first = all.seen(event("ScaledDown", "5 to 4"), Millis{0}, Millis{0})[0].name;
  CHECK(all.seen(event("ScaledDown", "5 to 4"), Millis{1}, Millis{1}).size() == 1);
  CHECK(all.seen(event("ScaledDown", "5 to 4"), Millis{2}, Millis{2}).empty());
  const auto last = all.seen(event("ScaledDown", "5 to 2"), Millis{3000}, Millis{3000});
  REQUIRE(last.size() == 2);
  CHECK_FALSE(last[0].create);  // what is still to be counted of the one before
  CHECK(last[0].name == first);
  CHECK(last[0].body["series"]["count"] == 3);
  CHECK(last[0].body["series"]["lastObservedTime"] == "1970-01-01T00:00:00.002000Z");
  CHECK(last[1].create);
  CHECK(last[1].name != first);
  CHECK(last[1].body["eventTime"] == "1970-01-01T00:00:03.000000Z");
  CHECK(last[1].body["note"] == "5 to 2");
  CHECK(all.sweep(Millis{363000}).empty());
}

TEST_CASE("notes that differ each time are bounded, and the last one comes all the same") {
  EventSeries all = series();
  int creations = 0;
  int second = 0;
  for (; second < 50; ++second) {
    for (const auto& write :
         all.seen(event("ScaledUp", std::to_string(second)), Millis{1000} * second, Millis{0})) {
      creations += write.create ? 1 : 0;
    }
  }
  CHECK(creations == 10);
  std::string newest;
  for (; second < 3600; ++second) {
    for (const auto& write :
         all.seen(event("ScaledUp", std::to_string(second)), Millis{1000} * second, Millis{0})) {
      if (!write.create) continue;
      ++creations;
      newest = write.body["note"];
    }
  }
  CHECK(creations == 10 + 11);  // one in five minutes
  CHECK(newest != "3599");
  CHECK(all.sweep(Millis{3600'000}).empty());
  const auto last = all.sweep(Millis{3900'000});
  REQUIRE(last.size() == 1);
  CHECK(last[0].body["note"] == "3599");
  CHECK(all.sweep(Millis{4000'000}).empty());
  CHECK(all.size() == 0);
}

TEST_CASE("a note that waits is counted for itself, and written when its series ends") {
  EventSeries all("example.dev/operator", "pod-1",
                  {.window = Millis{60000}, .heartbeat = Millis{1800000}, .notes = 1});
  const std::string first = all.seen(event("R", "old"), Millis{0}, Millis{0})[0].name;
  CHECK(all.seen(event("R", "old"), Millis{1000}, Millis{1000}).size() == 1);
  CHECK(all.seen(event("R", "old"), Millis{2000}, Millis{2000}).empty());
  CHECK(all.seen(event("R", "passing"), Millis{3000}, Millis{3000}).empty());
  CHECK(all.seen(event("R", "new"), Millis{4000}, Millis{4000}).empty());
  CHECK(all.seen(event("R", "new"), Millis{5000}, Millis{5000}).empty());
  const auto last = all.sweep(Millis{65000});
  REQUIRE(last.size() == 3);
  CHECK(last[0].name == first);
  CHECK(last[0].body["series"]["count"] == 3);
  CHECK(last[0].body["series"]["lastObservedTime"] == "1970-01-01T00:00:02.000000Z");
  CHECK(last[1].create);
  CHECK(last[1].body["note"] == "new");
  CHECK(last[2].name == last[1].name);
  CHECK(last[2].body["series"]["count"] == 2);
  CHECK(last[2].body["series"]["lastObservedTime"] == "1970-01-01T00:00:05.000000Z");
}

TEST_CASE("a long series is written by its heartbeat") {
  EventSeries all = series();
  int writes = 0;
  for (int minute = 0; minute < 120; ++minute) {
    writes += static_cast<int>(all.seen(event(), Millis{60000} * minute, Millis{0}).size());
  }
  CHECK(writes == 2 + 3);
}

TEST_CASE("another reason is another event") {
  EventSeries all = series();
  all.seen(event(), Millis{0}, Millis{0});
  const auto other = all.seen(event("ScaledDown"), Millis{0}, Millis{0});
  REQUIRE(other.size() == 1);
  CHECK(other[0].create);
}

TEST_CASE("a series whose event expired on the server begins anew") {
  EventSeries all = series();
  const auto first = all.seen(event(), Millis{0}, Millis{0});
  const auto again = all.restart(first[0], Millis{5});
  REQUIRE(again);
  CHECK(again->create);
  CHECK(again->name != first[0].name);
  // What the series has left behind needs no other event.
  CHECK_FALSE(all.restart(first[0], Millis{5}));
  EventWrite unknown = *again;
  unknown.key = "unknown";
  CHECK_FALSE(all.restart(unknown, Millis{5}));
}

TEST_CASE("long notes are cut between characters") {
  CHECK(cut_utf8("abc", 3) == "abc");
  CHECK(cut_utf8("abcd", 3) == "abc");
  CHECK(cut_utf8("a€", 3) == "a");
  CHECK(cut_utf8("a€", 4) == "a€");
  EventSeries all = series();
  std::string note(1022, 'x');
  const auto writes = all.seen(event("R", note + "€"), Millis{0}, Millis{0});
  CHECK(writes[0].body["note"] == note);
}

}  // namespace
}  // namespace wp::kube
