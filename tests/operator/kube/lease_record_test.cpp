#include "operator/kube/lease_record.h"

#include <doctest/doctest.h>

namespace wp::kube {
namespace {

using nlohmann::json;
using Verdict = LeaseRecord::Verdict;

json lease(const std::string& holder, const std::string& renewed, int duration = 15) {
  return {{"metadata",
           {{"name", "l"}, {"resourceVersion", "5"}, {"annotations", {{"x/term", "2000"}}}}},
          {"spec",
           {{"holderIdentity", holder},
            {"leaseDurationSeconds", duration},
            {"renewTime", renewed},
            {"leaseTransitions", 3},
            {"futureField", "kept"}}}};
}

LeaseRecord record() {
  return {"me", "x/term", Millis{15000}};
}

TEST_CASE("no lease is created, with a term of now") {
  LeaseRecord mine = record();
  CHECK(mine.verdict(Millis{0}) == Verdict::create);
  const json claim = mine.claim(Verdict::create, "ns", "l", Millis{1500});
  CHECK(claim["metadata"]["annotations"]["x/term"] == "1500");
  CHECK(claim["spec"]["holderIdentity"] == "me");
  CHECK(claim["spec"]["leaseDurationSeconds"] == 15);
  CHECK(claim["spec"]["renewTime"] == "1970-01-01T00:00:01.500000Z");
}

TEST_CASE("another's lease is waited for from when we saw it change, by its own duration") {
  LeaseRecord mine = record();
  mine.observe(lease("other", "2001-01-01T00:00:00.000000Z", 30), Millis{1000});
  CHECK(mine.verdict(Millis{1000}) == Verdict::wait);  // however old its time looks
  CHECK(mine.verdict(Millis{30999}) == Verdict::wait);
  mine.observe(lease("other", "2001-01-01T00:00:00.000000Z", 30), Millis{20000});  // no change
  CHECK(mine.verdict(Millis{31000}) == Verdict::take);
  mine.observe(lease("other", "2001-01-01T00:00:02.000000Z", 30), Millis{31000});
  CHECK(mine.verdict(Millis{31000}) == Verdict::wait);
}

TEST_CASE("a take writes a new, greater term and keeps what it does not know") {
  LeaseRecord mine = record();
  mine.observe(lease("", "2001-01-01T00:00:00.000000Z"), Millis{0});
  CHECK(mine.verdict(Millis{0}) == Verdict::take);
  const json ahead = mine.claim(Verdict::take, "ns", "l", Millis{1000});
  CHECK(ahead["metadata"]["annotations"]["x/term"] == "2001");  // its clock was ahead of ours
  CHECK(ahead["metadata"]["resourceVersion"] == "5");
  CHECK(ahead["spec"]["leaseTransitions"] == 4);
  CHECK(ahead["spec"]["futureField"] == "kept");
  CHECK(mine.claim(Verdict::take, "ns", "l", Millis{9000})["metadata"]["annotations"]["x/term"] ==
        "9000");
}

TEST_CASE("a renewal keeps the term; a release names no holder") {
  LeaseRecord mine = record();
  mine.observe(lease("me", "2001-01-01T00:00:00.000000Z"), Millis{0});
  CHECK(mine.verdict(Millis{1000000}) == Verdict::renew);
  CHECK(mine.term() == 2000);
  const json renewed = mine.claim(Verdict::renew, "ns", "l", Millis{9000});
  CHECK(renewed["metadata"]["annotations"]["x/term"] == "2000");
  CHECK(renewed["spec"]["leaseTransitions"] == 3);
  const auto released = mine.release(Millis{9000});
  REQUIRE(released);
  CHECK_FALSE((*released)["spec"].contains("holderIdentity"));
  CHECK((*released)["spec"]["leaseDurationSeconds"] == 1);
  mine.observe(lease("other", "2001-01-01T00:00:00.000000Z"), Millis{0});
  CHECK_FALSE(mine.release(Millis{0}));
}

TEST_CASE("a lease that others broke is no crash") {
  for (const char* text : {R"({})", R"({"spec":3})", R"({"spec":{"holderIdentity":7}})",
                           R"({"metadata":{"annotations":{"x/term":"many"}},"spec":{}})",
                           R"({"metadata":{"annotations":{"x/term":"-5"}},"spec":{}})"}) {
    CAPTURE(text);
    LeaseRecord mine = record();
    mine.observe(json::parse(text), Millis{0});
    CHECK(mine.term() == 0);
    CHECK(mine.verdict(Millis{0}) == Verdict::take);
  }
}

}  // namespace
}  // namespace wp::kube
