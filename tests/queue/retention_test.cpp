// What is kept of finished jobs, and when it goes: by count, age and bytes.
#include <doctest/doctest.h>

#include "queue/queue.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::QueueFixture;

namespace {

const std::string kWorker = "pod-a/00000001";
const std::string kGone = "pod-b/00000001";

void lapse(QueueFixture& f, const std::string& id) {
  (void)f.raw.execute({"ZADD", key_name("q", "active"), "1", id});
}

}  // namespace

TEST_CASE("TRIM promotes and reaps for a queue that nobody serves") {
  QueueFixture f;
  f.put("lost");
  REQUIRE(f.claim(kGone).size() == 1);
  lapse(f, "lost");
  NewJob later;
  later.id = "later";
  later.delay = Millis{3600000};
  (void)f.put({later});
  (void)f.raw.execute({"ZADD", key_name("q", "delayed"), "1", "later"});
  const Trimmed trimmed = f.queue.trim();
  CHECK(trimmed.promoted == 1);
  CHECK(trimmed.reaped == 1);
  CHECK(f.queue.job("lost").state == JobState::ready);
  CHECK(f.queue.job("later").state == JobState::ready);
  f.check();
}
