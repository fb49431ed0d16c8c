// Sessions and chains: state that jobs share, and jobs that follow one another.
#include <doctest/doctest.h>

#include "queue/queue.h"
#include "tests/queue/fixture.h"

using namespace wp;
using namespace wp::queue;
using wp::test::Fields;
using wp::test::QueueFixture;

namespace {

using wp::test::kOther;
using wp::test::kWorker;

void put_in_session(QueueFixture& f, const std::string& id, const std::string& session = "s") {
  NewJob job;
  job.id = id;
  job.session = session;
  (void)f.put({job});
}

Settlement with_document(const ClaimedJob& job, const std::string& document) {
  Settlement s = QueueFixture::settle(job);
  s.session = SessionWrite{job.session_version, document};
  return s;
}

void expire(QueueFixture& f, const std::string& session) {
  (void)f.raw.execute({"ZADD", key_name("q", "sessexp"), "XX", "1", session});
}

}  // namespace

TEST_CASE("a session begins empty, and the next job sees what the one before wrote") {
  QueueFixture f;
  put_in_session(f, "x");
  put_in_session(f, "y");
  const ClaimedJob x = f.claim(kWorker).at(0);
  CHECK(x.session == "s");
  CHECK(x.session_document == "{}");
  const auto step = f.queue.step(kWorker, {with_document(x, "{\"n\":1,\"list\":[]}")}, 1);
  CHECK(step.settled[0] == Settled::done);
  REQUIRE(step.claimed.size() == 1);
  CHECK(step.claimed[0].session_document == "{\"n\":1,\"list\":[]}");
  CHECK(step.claimed[0].session_version == x.session_version + 1);
  f.check();
}

TEST_CASE("of two writers of one version the second gets the first one's document") {
  QueueFixture f;
  put_in_session(f, "x");
  put_in_session(f, "y");
  const ClaimedJob x = f.claim(kWorker).at(0);
  const ClaimedJob y = f.claim(kOther).at(0);
  CHECK(f.queue.step(kWorker, {with_document(x, "{\"by\":\"x\"}")}, 0).settled[0] == Settled::done);
  auto refused = f.queue.step(kOther, {with_document(y, "{\"by\":\"y\"}")}, 0);
  CHECK(refused.settled[0] == Settled::conflict);
  REQUIRE(refused.sessions.count(0) == 1);
  CHECK(refused.sessions[0].document == "{\"by\":\"x\"}");
  CHECK(f.queue.job("y").state == JobState::active);
  Settlement again = with_document(y, "{\"by\":\"x and y\"}");
  again.session->version = refused.sessions[0].version;
  CHECK(f.queue.step(kOther, {again}, 0).settled[0] == Settled::done);
  put_in_session(f, "z");
  CHECK(f.claim(kWorker).at(0).session_document == "{\"by\":\"x and y\"}");
  f.check();
}

TEST_CASE("two writers of one version in one call: one of them is in conflict") {
  QueueFixture f;
  put_in_session(f, "x");
  put_in_session(f, "y");
  const auto claimed = f.claim(kWorker, 2);
  const auto step = f.queue.step(
      kWorker, {with_document(claimed[0], "{\"a\":1}"), with_document(claimed[1], "{\"b\":1}")}, 0);
  CHECK(step.settled[0] == Settled::done);
  CHECK(step.settled[1] == Settled::conflict);
  CHECK(step.sessions.at(1).document == "{\"a\":1}");
  f.check();
}

TEST_CASE("a session that expired is gone for the job that reads or writes it") {
  QueueFixture f;
  put_in_session(f, "x");
  put_in_session(f, "y");
  const ClaimedJob x = f.claim(kWorker).at(0);
  expire(f, "s");
  CHECK(f.queue.step(kWorker, {with_document(x, "{}")}, 0).settled[0] == Settled::session_gone);
  CHECK(f.queue.job("x").state == JobState::active);
  CHECK(f.claim(kOther).at(0).session_version == -1);
  f.check();
}

TEST_CASE("a session that began anew is in conflict with what was read before it expired") {
  QueueFixture f;
  put_in_session(f, "first");
  (void)f.queue.step(kWorker, {with_document(f.claim(kWorker).at(0), "{\"old\":1}")}, 0);
  put_in_session(f, "slow");
  const ClaimedJob slow = f.claim(kWorker).at(0);
  expire(f, "s");
  put_in_session(f, "quick");
  (void)f.queue.step(kOther, {with_document(f.claim(kOther).at(0), "{\"new\":1}")}, 0);
  const auto late = f.queue.step(kWorker, {with_document(slow, "{\"old\":2}")}, 0);
  CHECK(late.settled[0] == Settled::conflict);
  CHECK(late.sessions.at(0).document == "{\"new\":1}");
  f.check();
}

TEST_CASE("a document beyond session.maxBytes is refused, and so is one of a job without session") {
  QueueFixture f(Fields{{"session_max_bytes", "10"}});
  put_in_session(f, "x");
  put_in_session(f, "none", "");
  const auto claimed = f.claim(kWorker, 2);
  const auto step = f.queue.step(
      kWorker, {with_document(claimed[0], "{\"n\":12345}"), with_document(claimed[1], "{}")}, 0);
  CHECK(step.settled[0] == Settled::session_too_big);
  CHECK(step.settled[1] == Settled::session_gone);
  CHECK(f.queue.counts().active == 2);
  f.check();
}

TEST_CASE("the bytes of a session count, and no more when it expires while workers only beat") {
  QueueFixture f;
  put_in_session(f, "x");
  const ClaimedJob x = f.claim(kWorker).at(0);
  (void)f.queue.step(kWorker, {with_document(x, "\"" + std::string(500, 'x') + "\"")}, 0);
  CHECK(f.queue.counts().bytes > 500);
  expire(f, "s");
  (void)f.queue.beat(kWorker, {}, {}, "", false);
  CHECK(f.queue.counts().bytes == 0);
  f.check();
}

TEST_CASE("a chain: each step follows when the one before completes, with its result and session") {
  QueueFixture f(Fields{{"max_depth", "1"}});
  NewJob job;
  job.id = "one";
  job.session = "s";
  job.chain = {{"two", "second", std::string("p\0\xff", 3), 200}, {"three", "third", "", 0}};
  (void)f.put({job});
  ClaimedJob now = f.claim(kWorker).at(0);
  REQUIRE(now.chain.size() == 2);
  f.put("other");  // full: what follows is exempt
  for (const char* next : {"two", "three"}) {
    Settlement s = f.settle(now, Outcome::complete, "\"result of " + now.id + "\"");
    s.next = next_in_chain(now.session, now.chain, s.text);
    REQUIRE(f.queue.step(kWorker, {s}, 0).settled[0] == Settled::done);
    CHECK(f.queue.job(next).state == JobState::ready);
    if (std::string(next) == "three") (void)f.queue.remove({"other"});
    const std::string before = now.id;
    now = f.claim(kWorker).at(0);
    CHECK(now.id == next);
    CHECK(now.previous == "\"result of " + before + "\"");
    CHECK(now.session == "s");
  }
  CHECK(now.type == "third");
  CHECK(now.chain.empty());
  f.check();
}

TEST_CASE("a chain goes on at a completion only, and not twice") {
  QueueFixture f;
  NewJob job;
  job.id = "one";
  job.chain = {{"two", "second", "", 100}};
  (void)f.put({job});
  ClaimedJob one = f.claim(kWorker).at(0);
  (void)f.queue.step(kWorker, {f.settle(one, Outcome::fail, "no luck")}, 0);
  CHECK(f.queue.job("two").state == JobState::unknown);
  one = f.claim(kWorker).at(0);
  CHECK(one.chain.size() == 1);
  Settlement s = f.settle(one);
  s.next = next_in_chain(one.session, one.chain, "");
  (void)f.queue.step(kWorker, {s}, 0);
  CHECK(f.queue.step(kWorker, {s}, 0).settled[0] == Settled::stale);
  CHECK(f.queue.counts().waiting == 1);
  CHECK(f.queue.counts().stat.at("enqueued") == 2);
  f.check();
}

TEST_CASE("a chain's step whose id lives already is not enqueued again") {
  QueueFixture f;
  f.put("two");
  NewJob job;
  job.id = "one";
  job.priority = 255;
  job.chain = {{"two", "second", "another", 100}};
  (void)f.put({job});
  const ClaimedJob one = f.claim(kWorker).at(0);
  Settlement s = f.settle(one);
  s.next = next_in_chain(one.session, one.chain, "");
  CHECK(f.queue.step(kWorker, {s}, 0).settled[0] == Settled::done);
  CHECK(f.queue.job("two").payload == "payload of two");
  CHECK(f.queue.counts().waiting == 1);
  f.check();
}

TEST_CASE("no claim carries more documents than a reply may: the rest is there for the next") {
  QueueFixture f(Fields{{"session_max_bytes", "16777216"}});
  for (int i = 0; i < 8; ++i) put_in_session(f, "job" + std::to_string(i), "large");
  const ClaimedJob first = f.claim(kWorker).at(0);
  const std::string document = "{\"x\":\"" + std::string(15 << 20, 'x') + "\"}";
  REQUIRE(f.queue.step(kWorker, {with_document(first, document)}, 0).settled[0] == Settled::done);
  CHECK(f.claim(kWorker, 8).size() == 4);
  CHECK(f.claim(kOther, 8).size() == 3);
  f.check();
}
