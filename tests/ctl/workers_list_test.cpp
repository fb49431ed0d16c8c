#include "ctl/workers_list.h"

#include <doctest/doctest.h>

using namespace wp;
using namespace wp::ctl;

namespace {

queue::WorkerCounts worker(const std::string& name, const std::string& info, int held = 0) {
  return {name, Millis{9'000}, held, false, info};
}

std::vector<WorkerRow> rows_of(std::vector<queue::WorkerCounts> workers,
                               Millis lease = Millis{15'000}) {
  queue::Counts counts;
  counts.now = Millis{10'000};
  counts.workers = std::move(workers);
  return worker_rows(counts, lease);
}

}  // namespace

TEST_CASE("a worker's own words become its row, sorted by name, shares of all executed") {
  const auto rows = rows_of(
      {worker("w-2/1", R"({"slots":2,"executed":3,"failed":0})"),
       worker("w-1/1",
              R"({"pod":"p","node":"n","slots":4,"running":[{"id":"a","started_ms":1},{"id":"b"}],)"
              R"("executed":1,"failed":1,"uptime_s":61,"rss":1048576,"version":"0.1.0",)"
              R"("broken":true,"retired":false})",
              2)});
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].worker == "w-1/1");
  CHECK(rows[0].slots == 4);
  CHECK(rows[0].busy == 2);
  CHECK(rows[0].running == std::vector<std::string>{"a", "b"});
  CHECK(rows[0].executed == 1);
  CHECK(rows[0].share == 25.0);
  CHECK(rows[1].share == 75.0);
  CHECK(rows[0].uptime == Millis{61'000});
  CHECK(rows[0].rss == 1048576);
  CHECK(rows[0].version == "0.1.0");
  CHECK(rows[0].broken == true);
  CHECK(rows[0].beat_age == Millis{1'000});
}

TEST_CASE("nothing, no JSON, other JSON, other types: absent, never an error") {
  for (const char* info :
       {"", "x", "[]", "null", "7", "\"x\"", "{}", "{\"slots\":", "\xff\xfe",
        R"({"slots":"4","running":7,"executed":1.5,"failed":null,"uptime_s":"x","rss":-1,)"
        R"("version":1,"broken":"yes"})"}) {
    CAPTURE(info);
    const auto rows = rows_of({worker("w/1", info)});
    REQUIRE(rows.size() == 1);
    CHECK_FALSE(rows[0].slots.has_value());
    CHECK_FALSE(rows[0].running.has_value());
    CHECK_FALSE(rows[0].executed.has_value());
    CHECK_FALSE(rows[0].failed.has_value());
    CHECK_FALSE(rows[0].share.has_value());
    CHECK_FALSE(rows[0].rss.has_value());
    CHECK_FALSE(rows[0].uptime.has_value());
    CHECK_FALSE(rows[0].broken.has_value());
    CHECK(rows[0].version.empty());
  }
}

TEST_CASE("odd entries of running are left away; a huge uptime stays a number") {
  const auto rows = rows_of({worker(
      "w/1", R"({"running":["a",{"id":7},{"id":"b"},{}],"uptime_s":9223372036854775807})")});
  CHECK(rows[0].running == std::vector<std::string>{"b"});
  CHECK(rows[0].uptime->count() > 0);
}

TEST_CASE("of a worker that has been silent for a lease nothing is said that may be over") {
  const char* const info = R"({"slots":2,"running":[{"id":"a"}],"executed":3,"uptime_s":61})";
  const auto living = rows_of({worker("w/1", info)}, Millis{1'001});
  CHECK_FALSE(living[0].silent);
  CHECK(living[0].running.has_value());
  const auto silent = rows_of({worker("w/1", info)}, Millis{1'000});
  CHECK(silent[0].silent);
  CHECK_FALSE(silent[0].running.has_value());
  CHECK_FALSE(silent[0].uptime.has_value());
  CHECK(silent[0].executed == 3);
}

TEST_CASE("a beat from the future is now") {
  queue::Counts counts;
  counts.now = Millis{1'000};
  counts.workers = {worker("w/1", "")};
  CHECK(worker_rows(counts, Millis{15'000})[0].beat_age == Millis{0});
}

TEST_CASE("a broken handler whose worker runs jobs all the same is told as that") {
  const auto told = [](std::vector<queue::WorkerCounts> workers) {
    return broken_handlers(rows_of(std::move(workers)));
  };
  const auto idle = worker("w/1", R"({"broken":true,"trouble":"no program"})");
  const auto busy = worker("w/2", R"({"broken":true,"running":[{"id":"a"}]})");
  const auto well = worker("w/3", R"({"broken":false,"running":[{"id":"b"}]})");
  CHECK(told({well}).text().empty());
  CHECK_FALSE(told({well}).all());
  CHECK(told({idle}).text() == "the handler of 1 of 1 workers cannot run: no program");
  CHECK(told({idle}).all());
  CHECK(told({idle, well}).text() == "the handler of 1 of 2 workers cannot run: no program");
  CHECK_FALSE(told({idle, well}).all());
  CHECK(told({idle, busy, well}).text() ==
        "the handler of 2 of 3 workers has trouble, 1 of them run jobs all the same: no program");
  CHECK_FALSE(told({idle, busy}).all());
}
