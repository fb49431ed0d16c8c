// The life of a pod, told as events and times, without processes.
#include "tests/cluster/node/pod_state.h"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "tests/cluster/node/status.h"

namespace wp::testnode {
namespace {

constexpr Millis kBegin{1000};

ContainerSpec container(const std::string& name, ContainerKind kind) {
  ContainerSpec spec;
  spec.name = name;
  spec.kind = kind;
  spec.command = {"run"};
  return spec;
}

PodSpec pod_of(std::vector<ContainerSpec> containers,
               RestartPolicy policy = RestartPolicy::always) {
  PodSpec spec;
  spec.ns = "default";
  spec.name = "p";
  spec.uid = "u";
  spec.restart_policy = policy;
  spec.containers = std::move(containers);
  return spec;
}

// A pod and its clock; actions read as "start a", "kill b".
class Story {
 public:
  explicit Story(PodSpec spec) : pod(spec, {}, at(kBegin)), spec_(std::move(spec)) {}

  static Moment at(Millis time) { return {time, Millis{1700000000000} + time}; }
  Moment now() const { return at(now_); }
  void wait(int ms) { now_ += Millis{ms}; }

  /// Answers every start by a running process.
  std::vector<std::string> advance() {
    static constexpr const char* kWords[] = {"start ", "terminate ", "kill ", "finish"};
    std::vector<std::string> words;
    for (auto actions = pod.advance(now()); !actions.empty(); actions = pod.advance(now())) {
      for (const Action& action : actions) {
        const bool finish = action.kind == Action::Kind::finish;
        words.push_back(kWords[static_cast<int>(action.kind)] +
                        (finish ? "" : spec_.containers[action.container].name));
        if (action.kind == Action::Kind::start) {
          pod.started(action.container, "id-" + std::to_string(++ids_), now());
        }
      }
    }
    return words;
  }

  void exit(std::size_t container, int code, int signal = 0) {
    pod.exited(container, {code, signal}, now());
  }

  Millis until_deadline() const { return pod.next_deadline().value() - now_; }

  PodState pod;

 private:
  PodSpec spec_;
  Millis now_ = kBegin;
  int ids_ = 0;
};

using Words = std::vector<std::string>;

PodSpec simple(RestartPolicy policy = RestartPolicy::always) {
  return pod_of({container("a", ContainerKind::main)}, policy);
}

}  // namespace

TEST_CASE("a process is ready after it lived 200 ms") {
  Story story(simple());
  CHECK(story.advance() == Words{"start a"});
  CHECK_FALSE(story.pod.containers()[0].ready);
  CHECK(story.until_deadline() == Millis{200});
  story.wait(200);
  CHECK(story.advance().empty());
  CHECK(story.pod.containers()[0].ready);
  CHECK_FALSE(story.pod.next_deadline());
  CHECK(pod_phase(story.pod) == "Running");
}

TEST_CASE("init containers run one by one, again until they succeed") {
  Story story(pod_of({container("i", ContainerKind::init), container("j", ContainerKind::init),
                      container("a", ContainerKind::main)}));
  CHECK(story.advance() == Words{"start i"});
  CHECK(pod_phase(story.pod) == "Pending");
  story.exit(0, 1);
  CHECK(story.advance().empty());
  CHECK(story.until_deadline() == Millis{200});
  story.wait(200);
  CHECK(story.advance() == Words{"start i"});
  story.exit(0, 0);
  CHECK(story.advance() == Words{"start j"});
  CHECK_FALSE(story.pod.initialized());
  story.exit(1, 0);
  CHECK(story.advance() == Words{"start a"});
  CHECK(story.pod.initialized());
}

TEST_CASE("an init container that fails ends a pod that never restarts") {
  Story story(pod_of({container("i", ContainerKind::init), container("a", ContainerKind::main)},
                     RestartPolicy::never));
  story.advance();
  story.exit(0, 3);
  CHECK(story.advance().empty());
  CHECK(pod_phase(story.pod) == "Failed");
  CHECK_FALSE(story.pod.next_deadline());
}

TEST_CASE("the backoff doubles to 5 s and begins anew after a long life") {
  Story story(simple());
  story.advance();
  for (const int expected : {200, 400, 800, 1600, 3200, 5000, 5000}) {
    story.exit(0, 1);
    CHECK(story.advance().empty());
    CHECK(story.pod.containers()[0].reason == "CrashLoopBackOff");
    CHECK(story.until_deadline() == Millis{expected});
    story.wait(expected - 1);
    CHECK(story.advance().empty());
    story.wait(1);
    CHECK(story.advance() == Words{"start a"});
  }
  CHECK(story.pod.containers()[0].starts == 8);
  story.wait(10000);
  story.exit(0, 0);
  story.advance();
  CHECK(story.until_deadline() == Millis{200});
}

TEST_CASE("restart policies") {
  struct Case {
    RestartPolicy policy;
    int code;
    const char* phase;
  };
  for (const Case& c : {Case{RestartPolicy::always, 0, "Running"},
                        {RestartPolicy::always, 1, "Running"},
                        {RestartPolicy::on_failure, 0, "Succeeded"},
                        {RestartPolicy::on_failure, 1, "Running"},
                        {RestartPolicy::never, 0, "Succeeded"},
                        {RestartPolicy::never, 1, "Failed"}}) {
    CAPTURE(c.code);
    Story story(simple(c.policy));
    story.advance();
    story.exit(0, c.code);
    story.advance();
    CHECK(pod_phase(story.pod) == c.phase);
  }
}

TEST_CASE("deletion: SIGTERM, the grace, SIGKILL, and the object goes last") {
  Story story(simple());
  story.advance();
  story.pod.remove(Millis{5000}, story.now());
  CHECK(story.advance() == Words{"terminate a"});
  CHECK(story.until_deadline() == Millis{200});  // it may still become ready
  story.wait(1000);
  story.pod.remove(Millis{5000}, story.now());  // the same deletion, seen once more
  CHECK(story.advance().empty());
  CHECK(story.until_deadline() == Millis{4000});
  story.wait(4000);
  CHECK(story.advance() == Words{"kill a"});
  CHECK_FALSE(story.pod.next_deadline());
  story.exit(0, 0, 9);
  CHECK(story.advance() == Words{"finish"});
  CHECK(story.pod.containers()[0].ended->exit_code == 137);
  CHECK(pod_phase(story.pod) == "Failed");
  CHECK_FALSE(story.pod.over());
  story.pod.vanish();
  CHECK(story.advance().empty());
  CHECK(story.pod.over());
}

TEST_CASE("a second deletion can shorten the grace") {
  Story story(simple());
  story.advance();
  story.pod.remove(Millis{60000}, story.now());
  story.advance();
  story.wait(300);
  story.pod.remove(Millis{1000}, story.now());
  story.advance();
  CHECK(story.until_deadline() == Millis{1000});
}

TEST_CASE("a container that ends during the grace is not started again") {
  Story story(simple());
  story.advance();
  story.pod.remove(Millis{5000}, story.now());
  story.advance();
  story.exit(0, 0);
  CHECK(story.advance() == Words{"finish"});
  CHECK(pod_phase(story.pod) == "Succeeded");
}

TEST_CASE("deletion while nothing runs") {
  SUBCASE("in the backoff") {
    Story story(simple());
    story.advance();
    story.exit(0, 1);
    story.advance();
    story.pod.remove(Millis{5000}, story.now());
    CHECK(story.advance() == Words{"finish"});
    CHECK_FALSE(story.pod.next_deadline());
    CHECK(pod_phase(story.pod) == "Failed");
  }
  SUBCASE("while its start is prepared") {
    Story story(simple());
    CHECK(story.pod.advance(story.now()).size() == 1);
    CHECK(story.pod.wants_start(0));
    story.pod.remove(Millis{5000}, story.now());
    CHECK(story.advance() == Words{"finish"});
    CHECK_FALSE(story.pod.wants_start(0));
    CHECK(pod_phase(story.pod) == "Pending");
  }
}

TEST_CASE("an object that vanishes takes its processes along at once") {
  Story story(pod_of({container("a", ContainerKind::main), container("b", ContainerKind::main)}));
  story.advance();
  story.pod.vanish();
  CHECK(story.advance() == Words{"kill b", "kill a"});
  CHECK_FALSE(story.pod.over());
  story.exit(0, 0, 9);
  story.exit(1, 0, 9);
  CHECK(story.advance().empty());
  CHECK(story.pod.over());
}

TEST_CASE("sidecars start in order, outlive the work and end in reverse order") {
  Story story(
      pod_of({container("s", ContainerKind::sidecar), container("t", ContainerKind::sidecar),
              container("a", ContainerKind::main)}));
  CHECK(story.advance() == Words{"start s"});
  story.wait(200);
  CHECK(story.advance() == Words{"start t"});
  story.wait(200);
  CHECK(story.advance() == Words{"start a"});
  story.pod.remove(Millis{5000}, story.now());
  CHECK(story.advance() == Words{"terminate a"});
  story.exit(2, 0);
  CHECK(story.advance() == Words{"terminate t"});
  story.exit(1, 0);
  CHECK(story.advance() == Words{"terminate s"});
  story.exit(0, 0);
  CHECK(story.advance() == Words{"finish"});
}

TEST_CASE("sidecars end when the work of a pod that does not restart is done") {
  Story story(pod_of({container("s", ContainerKind::sidecar), container("a", ContainerKind::main)},
                     RestartPolicy::never));
  story.advance();
  story.wait(200);
  story.advance();
  story.exit(1, 0);
  CHECK(story.advance() == Words{"terminate s"});
  story.exit(0, 0, 15);
  CHECK(story.advance().empty());
  CHECK(pod_phase(story.pod) == "Succeeded");
}

TEST_CASE("a deadline that waits for its turn does not spin") {
  Story story(pod_of({container("s", ContainerKind::sidecar), container("i", ContainerKind::init),
                      container("a", ContainerKind::main)}));
  story.advance();
  story.wait(200);
  CHECK(story.advance() == Words{"start i"});
  story.exit(1, 1);
  story.exit(0, 1);
  story.exit(0, 1);  // told twice: the second is none
  story.advance();
  story.wait(200);
  CHECK(story.advance() == Words{"start s"});
  CHECK(story.until_deadline() == Millis{200});  // that s is ready, not that i is overdue
}

TEST_CASE("a container that cannot be started waits") {
  Story story(simple());
  CHECK(story.pod.advance(story.now()).size() == 1);
  SUBCASE("for ever") {
    story.pod.refused(0, "ErrImagePull", "no command", false, story.now());
    CHECK(story.advance().empty());
    CHECK_FALSE(story.pod.next_deadline());
  }
  SUBCASE("for its backoff") {
    story.pod.refused(0, "CreateContainerConfigError", "no secret", true, story.now());
    CHECK(story.advance().empty());
    CHECK(story.until_deadline() == Millis{200});
  }
  CHECK(story.pod.containers()[0].starts == 0);
  CHECK(pod_phase(story.pod) == "Pending");
}

}  // namespace wp::testnode
