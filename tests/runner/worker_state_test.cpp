#include "runner/worker_state.h"

#include <doctest/doctest.h>

#include "tests/runner/worker_state_support.h"

using namespace wp;
using namespace wp::test;

TEST_CASE("nothing is sent before the worker is connected, then it asks for exactly its slots") {
  WorkerState state(3);
  CHECK_FALSE(state.next_step(t(0)));
  state.connected();
  const auto plan = state.next_step(t(0));
  REQUIRE(plan);
  CHECK(plan->want == 3);
  CHECK(plan->settlements.empty());
}

TEST_CASE("an empty queue is waited for, not asked again") {
  WorkerState state = holding(2, {job("a", 1)});
  CHECK_FALSE(state.next_step(t(1)));
  CHECK(state.wants_token(t(1)));
  state.token_taken();
  CHECK_FALSE(state.wants_token(t(1)));
  const auto plan = state.next_step(t(1));
  REQUIRE(plan);
  CHECK(plan->want == 1);
}

TEST_CASE("a token that comes while a STEP is under way is not answered by it") {
  WorkerState state = holding(2, {job("a", 1)});
  (void)state.ended(ending(1), t(1), 0);
  const auto settles = state.next_step(t(1));
  REQUIRE(settles);
  state.token_taken();  // of a job that was enqueued after the script ran
  (void)state.step_answered(*settles, reply({}, {Settled::done}), t(2));
  CHECK_FALSE(state.wants_token(t(2)));
  const auto finds = state.next_step(t(2));
  REQUIRE(finds);
  CHECK(finds->want == 2);
  (void)state.step_answered(*finds, reply({job("b", 2)}), t(3));
  CHECK_FALSE(state.next_step(t(3)));
  CHECK(state.wants_token(t(3)));
}

TEST_CASE("a worker without free slots does not wait for a token") {
  WorkerState state = holding(1, {job("a", 1)});
  CHECK_FALSE(state.wants_token(t(1)));
  state.token_taken();  // one that came too late is put back by a STEP that wants nothing
  const auto plan = state.next_step(t(1));
  REQUIRE(plan);
  CHECK(plan->want == 0);
}

TEST_CASE("an end is told in the STEP that claims the next job") {
  WorkerState state = holding(1, {job("a", 1)});
  CHECK(state.ended(ending(1), t(5), 0)->result == "completed");
  const auto plan = state.next_step(t(5));
  REQUIRE(plan);
  CHECK(plan->want == 1);
  REQUIRE(plan->settlements.size() == 1);
  CHECK(plan->settlements[0].id == "a");
  CHECK(plan->settlements[0].epoch == 1);
  CHECK(state.beat().claims.size() == 1);  // until the answer: its lease is renewed
  const auto outcome = state.step_answered(*plan, reply({job("b", 2)}, {Settled::done}), t(6));
  CHECK(outcome.start.size() == 1);
  CHECK(outcome.stale == 0);
  CHECK(state.busy_slots() == 1);
  CHECK(state.beat().claims.size() == 1);
}

TEST_CASE("ends that come while a STEP is under way share the next one") {
  std::vector<queue::ClaimedJob> jobs;
  for (int i = 1; i <= 40; ++i) jobs.push_back(job("j" + std::to_string(i), i));
  WorkerState state = holding(40, jobs);
  (void)state.ended(ending(1), t(1), 0);
  const auto first = state.next_step(t(1));
  REQUIRE(first);
  CHECK(first->settlements.size() == 1);
  for (int i = 2; i <= 40; ++i) (void)state.ended(ending(i), t(2), 0);
  const auto none = state.step_answered(*first, reply({}, {Settled::done}), t(2));
  CHECK(none.start.empty());
  const auto second = state.next_step(t(2));
  REQUIRE(second);
  CHECK(second->settlements.size() == 39);
  CHECK(second->want == 40);
}

TEST_CASE("one STEP is bounded; what remains goes with the next") {
  std::vector<queue::ClaimedJob> jobs;
  WorkerState state(1000);
  state.connected();
  const auto plan = state.next_step(t(0));
  CHECK(plan->want == kMaxStep);
  for (int i = 1; i <= kMaxStep; ++i) jobs.push_back(job("j" + std::to_string(i), i));
  (void)state.step_answered(*plan, reply(jobs, {}, true), t(0));
  const auto again = state.next_step(t(0));  // more could be claimed, and there are slots
  REQUIRE(again);
  CHECK(again->want == kMaxStep);
}

TEST_CASE("claimable, but not for us: no spinning until something changes") {
  WorkerState state = holding(2, {job("a", 1)});
  state.token_taken();
  const auto plan = state.next_step(t(1));
  (void)state.step_answered(*plan, reply({}, {}, true), t(1));
  CHECK_FALSE(state.wants_token(t(1)));
  CHECK_FALSE(state.next_step(t(1)));
  (void)state.ended(ending(1), t(2), 0);
  CHECK(state.next_step(t(2))->want == 2);
}

TEST_CASE("while a suspect runs nothing else is claimed") {
  WorkerState state = holding(4, {job("a", 1, true)});
  CHECK_FALSE(state.wants_token(t(1)));
  state.token_taken();
  CHECK(state.next_step(t(1))->want == 0);
  (void)state.ended(ending(1), t(2), 0);
  CHECK(state.next_step(t(2))->want == 4);
}

TEST_CASE("a lost job is stopped, keeps its slot until its handler is gone, and is never settled") {
  WorkerState state = holding(1, {job("a", 1)});
  queue::BeatResult beat;
  beat.lost = {"a"};
  const Stops stops = state.beat_answered(beat, t(10));
  CHECK(stops.lost == std::vector<std::int64_t>{1});
  CHECK(state.beat().claims.empty());
  CHECK(state.busy_slots() == 1);
  CHECK_FALSE(state.next_step(t(10)));
  CHECK_FALSE(state.ended(ending(1), t(11), 0));
  const auto plan = state.next_step(t(11));
  REQUIRE(plan);
  CHECK(plan->settlements.empty());
  CHECK(plan->want == 1);
}

TEST_CASE("the same job may come back while its first handler is still being ended") {
  WorkerState state = holding(2, {job("a", 1)});
  queue::BeatResult beat;
  beat.lost = {"a"};
  beat.view.claimable = true;
  (void)state.beat_answered(beat, t(10));
  const auto plan = state.next_step(t(10));
  REQUIRE(plan);
  CHECK(state.step_answered(*plan, reply({job("a", 2)}), t(10)).start.size() == 1);
  CHECK_FALSE(state.ended(ending(1, Verdict::interrupted), t(11), 0));
  CHECK(state.ended(ending(2), t(12), 0));
  const auto last = state.next_step(t(12));
  REQUIRE(last);
  REQUIRE(last->settlements.size() == 1);
  CHECK(last->settlements[0].epoch == 2);
}

TEST_CASE("an end whose claim is gone is dropped before it is told") {
  WorkerState state = holding(1, {job("a", 1)});
  (void)state.ended(ending(1), t(5), 0);
  queue::BeatResult beat;
  beat.lost = {"a"};
  const Stops stops = state.beat_answered(beat, t(6));
  CHECK(stops.lost.empty());
  CHECK(stops.unknown == 0);
  const auto plan = state.next_step(t(6));
  REQUIRE(plan);
  CHECK(plan->settlements.empty());
}

TEST_CASE("a settlement whose answer was lost is sent again; refused then, it counts as unknown") {
  WorkerState state = holding(1, {job("a", 1)});
  (void)state.ended(ending(1), t(5), 0);
  const auto first = state.next_step(t(5));
  REQUIRE(first->settlements.size() == 1);
  CHECK_FALSE(state.next_step(t(5)).value_or(StepPlan{}).settlements.size());
  state.connection_lost();
  state.connected();
  const auto second = state.next_step(t(9));
  REQUIRE(second);
  REQUIRE(second->settlements.size() == 1);
  const auto outcome = state.step_answered(*second, reply({}, {Settled::stale}), t(9));
  CHECK(outcome.unknown == 1);
  CHECK(outcome.stale == 0);
}

TEST_CASE("refused at the first try it is stale") {
  WorkerState state = holding(1, {job("a", 1)});
  (void)state.ended(ending(1), t(5), 0);
  const auto plan = state.next_step(t(5));
  CHECK(state.step_answered(*plan, reply({}, {Settled::stale}), t(5)).stale == 1);
}

TEST_CASE("a cancelled job is stopped once") {
  WorkerState state = holding(1, {job("a", 1)});
  queue::BeatResult beat;
  beat.view.cancelled = {"a"};
  CHECK(state.beat_answered(beat, t(1)).cancelled == std::vector<std::int64_t>{1});
  CHECK(state.beat_answered(beat, t(2)).cancelled.empty());
}

TEST_CASE("draining: what a late answer claimed goes back unstarted, running jobs are settled") {
  WorkerState state = holding(2, {job("a", 1)});
  state.token_taken();
  const auto plan = state.next_step(t(1));
  state.drain();
  CHECK(state.step_answered(*plan, reply({job("b", 2)}), t(2)).start.empty());
  const auto release = state.next_release();
  REQUIRE(release);
  REQUIRE(release->claims.size() == 1);
  CHECK(release->claims[0].id == "b");
  CHECK(release->kind == queue::ReleaseKind::unstarted);
  state.release_answered(*release);
  CHECK_FALSE(state.wants_token(t(2)));
  CHECK_FALSE(state.may_leave());
  (void)state.ended(ending(1), t(3), 0);
  const auto last = state.next_step(t(3));
  REQUIRE(last);
  CHECK(last->want == 0);
  CHECK_FALSE(state.may_leave());
  (void)state.step_answered(*last, reply({}, {Settled::done}), t(4));
  CHECK(state.may_leave());
}

TEST_CASE("an interrupted job goes back as interrupted") {
  WorkerState state = holding(1, {job("a", 1)});
  state.drain();
  CHECK(state.running() == std::vector<std::int64_t>{1});
  (void)state.ended(ending(1, Verdict::interrupted), t(3), 0);
  const auto release = state.next_release();
  REQUIRE(release);
  CHECK(release->kind == queue::ReleaseKind::interrupted);
  state.release_answered(*release);
  CHECK(state.may_leave());
}

TEST_CASE("a broken handler: jobs go back, claims pause 1, 2, 4 … 30 s, one job tries it again") {
  WorkerState state = holding(4, {job("a", 1), job("b", 2)});
  (void)state.ended(ending(1, Verdict::broken), t(1000), 0);
  (void)state.ended(ending(2, Verdict::broken), t(1000), 0);
  CHECK(state.broken());
  const auto release = state.next_release();
  REQUIRE(release);
  CHECK(release->claims.size() == 2);
  CHECK(release->kind == queue::ReleaseKind::unstarted);
  state.release_answered(*release);
  CHECK_FALSE(state.next_step(t(1999)));
  CHECK_FALSE(state.wants_token(t(1999)));
  CHECK(state.wake_at(t(1500)) == t(2000));

  Millis now = t(2000);
  std::int64_t epoch = 3;
  for (const int pause : {2, 4, 8, 16, 30, 30}) {
    const auto plan = state.next_step(now);
    REQUIRE(plan);
    CHECK(plan->want == 1);
    (void)state.step_answered(*plan, reply({job("c", epoch)}), now);
    (void)state.ended(ending(epoch++, Verdict::broken), now, 0);
    state.release_answered(*state.next_release());
    now += Millis{pause * 1000};
    CHECK_FALSE(state.next_step(now - Millis{1}));
  }
  const auto plan = state.next_step(now);
  (void)state.step_answered(*plan, reply({job("d", epoch)}), now);
  (void)state.ended(ending(epoch, Verdict::fail), now, 0);
  CHECK_FALSE(state.broken());
  CHECK(state.next_step(now)->want == 4);
}

TEST_CASE("a long job elsewhere does not keep a mended handler from being tried") {
  WorkerState state = holding(4, {job("long", 1), job("b", 2)});
  (void)state.ended(ending(2, Verdict::broken), t(0), 0);
  state.release_answered(*state.next_release());
  const auto plan = state.next_step(t(1000));
  REQUIRE(plan);
  CHECK(plan->want == 1);
  (void)state.step_answered(*plan, reply({job("trial", 3)}, {}, true), t(1000));
  CHECK_FALSE(state.next_step(t(2000)));
  CHECK(state.wake_at(t(2000)) == t(6000));  // having run so long it has proved itself
  CHECK(state.next_step(t(6000))->want == 2);
  CHECK_FALSE(state.broken());
}

TEST_CASE("retired and paused workers claim nothing and take no token, until they may again") {
  for (const bool retired : {true, false}) {
    WorkerState state = holding(2, {});
    queue::BeatResult beat;
    beat.view.retired = retired;
    beat.view.paused = !retired;
    (void)state.beat_answered(beat, t(1));
    CHECK_FALSE(state.wants_token(t(1)));
    state.token_taken();
    CHECK(state.next_step(t(1))->want == 0);
    beat.view = {};
    beat.view.claimable = true;
    (void)state.beat_answered(beat, t(2));
    CHECK(state.next_step(t(2))->want == 2);
  }
}

TEST_CASE("a due moment asks for a STEP, by Redis's clock; a stubborn one not without pause") {
  WorkerState state = holding(1, {});
  queue::BeatResult beat;
  beat.view.now = t(1'000'000);
  beat.view.next_due = t(1'000'300);
  (void)state.beat_answered(beat, t(50));
  CHECK(state.wake_at(t(50)) == t(350));
  CHECK_FALSE(state.next_step(t(349)));
  const auto plan = state.next_step(t(350));
  REQUIRE(plan);
  queue::StepResult still = reply({});
  still.view.now = t(1'000'300);
  still.view.next_due = t(1'000'300);
  (void)state.step_answered(*plan, still, t(350));
  CHECK_FALSE(state.next_step(t(351)));
  CHECK(state.next_step(t(400)));
}

TEST_CASE("a draining worker stays until what an unheard claim handed over has gone back") {
  WorkerState state(2);
  state.connected();
  REQUIRE(state.next_step(t(0)));
  state.connection_lost();
  state.drain();
  CHECK_FALSE(state.may_leave());
  CHECK(state.leaves_after_reconnect());
  state.connected();
  CHECK(state.may_leave());

  WorkerState heard(2);
  heard.connected();
  const auto plan = heard.next_step(t(0));
  REQUIRE(plan);
  heard.step_answered(*plan, reply({}), t(0));
  heard.drain();
  heard.connection_lost();
  CHECK(heard.may_leave());
}

TEST_CASE("no more is claimed than the handler can run, and more as soon as it can") {
  WorkerState state(4);
  state.connected();
  state.capacity({0, ""});
  CHECK_FALSE(state.next_step(t(0)));
  CHECK_FALSE(state.wants_token(t(0)));
  state.capacity({2, ""});
  auto plan = state.next_step(t(0));
  REQUIRE(plan);
  CHECK(plan->want == 2);
  state.step_answered(*plan, reply({job("a", 1)}, {}, true), t(0));
  state.capacity({1, "node died"});
  CHECK(state.broken());
  CHECK_FALSE(state.next_step(t(0)));  // the one that is left is busy
  state.capacity({9, ""});
  CHECK_FALSE(state.broken());
  plan = state.next_step(t(0));
  REQUIRE(plan);
  CHECK(plan->want == 3);  // never more than slots
}

TEST_CASE("a job that nothing was free for goes back, and no handler is broken") {
  WorkerState state = holding(2, {job("a", 1)});
  state.ended(ending(1, Verdict::unstarted), t(1), 0);
  CHECK_FALSE(state.broken());
  const auto plan = state.next_release();
  REQUIRE(plan);
  CHECK(plan->kind == queue::ReleaseKind::unstarted);
}

TEST_CASE("a job that is answered as by a broken handler while others run fails, and is counted") {
  WorkerState state = holding(2, {job("good", 1), job("bad", 2)});
  Ending bad = ending(2, Verdict::broken);
  bad.answered = true;
  CHECK(state.ended(bad, t(1), 0)->result == "broken");
  auto release = state.next_release();
  REQUIRE(release);
  CHECK(release->kind == queue::ReleaseKind::unstarted);
  state.release_answered(*release);
  state.ended(ending(1), t(2), 0);  // the other one completes
  auto plan = state.next_step(t(2));
  REQUIRE(plan);
  state.step_answered(*plan, reply({job("bad", 3)}, {Settled::done}), t(2));
  bad.epoch = 3;
  CHECK(state.ended(bad, t(3), 0)->result == "failed");
  CHECK_FALSE(state.broken());
  plan = state.next_step(t(3));
  REQUIRE(plan);
  REQUIRE(plan->settlements.size() == 1);
  CHECK(plan->settlements[0].outcome == queue::Outcome::fail);
}

TEST_CASE("while such a job is the first of many it goes aside, so that another finds out") {
  WorkerState state(1);
  state.connected();
  std::int64_t now = 0;
  for (const queue::ReleaseKind kind : {queue::ReleaseKind::unstarted, queue::ReleaseKind::aside}) {
    const auto plan = state.next_step(t(now));
    REQUIRE(plan);
    CHECK(plan->want == 1);
    state.step_answered(*plan, reply({job("bad", now + 1)}, {}, true), t(now));
    Ending bad = ending(now + 1, Verdict::broken);
    bad.answered = true;
    state.ended(bad, t(now), 0);
    const auto release = state.next_release();
    REQUIRE(release);
    CHECK(release->kind == kind);
    state.release_answered(*release);
    now += 2000;
  }
}
