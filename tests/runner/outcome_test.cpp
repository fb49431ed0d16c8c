#include "runner/handlers/outcome.h"

#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>

using namespace wp;
using namespace wp::runner;

namespace {

ExitFacts exit_with(int status) {
  ExitFacts facts;
  facts.command = "job.py";
  facts.status = status;
  return facts;
}

ExitFacts killed_by(int signal) {
  ExitFacts facts = exit_with(signal);
  facts.signalled = true;
  return facts;
}

}  // namespace

TEST_CASE("exit codes mean what the contract says") {
  struct Row {
    int status;
    Verdict verdict;
  };
  for (const Row row :
       {Row{0, Verdict::complete}, Row{1, Verdict::fail}, Row{2, Verdict::fail},
        Row{65, Verdict::bury}, Row{75, Verdict::defer}, Row{126, Verdict::broken},
        Row{127, Verdict::broken}, Row{128, Verdict::fail}, Row{255, Verdict::fail}}) {
    CAPTURE(row.status);
    CHECK(classify_exit(exit_with(row.status), {}).verdict == row.verdict);
  }
}

TEST_CASE("both special codes are the user's choice") {
  const ExitRules rules{.defer_code = 3, .dead_code = 4, .defer_delay = Millis{50}};
  CHECK(classify_exit(exit_with(3), rules).verdict == Verdict::defer);
  CHECK(classify_exit(exit_with(3), rules).delay == Millis{50});
  CHECK(classify_exit(exit_with(4), rules).verdict == Verdict::bury);
  CHECK(classify_exit(exit_with(75), rules).verdict == Verdict::fail);
}

TEST_CASE("a signal that we did not send is a crash") {
  ExitFacts facts = killed_by(SIGSEGV);
  facts.errors = "stack smashed\n";
  const Ending ending = classify_exit(facts, {});
  CHECK(ending.verdict == Verdict::crash);
  CHECK(ending.text == "killed by SIGSEGV: stack smashed");
}

TEST_CASE("what we stopped ends as its cause says, whatever the program answers") {
  struct Row {
    StopCause cause;
    Verdict verdict;
  };
  for (const Row row :
       {Row{StopCause::timeout, Verdict::fail}, Row{StopCause::memory, Verdict::fail},
        Row{StopCause::stalled, Verdict::stall}, Row{StopCause::cancelled, Verdict::bury},
        Row{StopCause::interrupted, Verdict::interrupted},
        Row{StopCause::partition, Verdict::interrupted},
        Row{StopCause::lost, Verdict::interrupted}}) {
    for (ExitFacts facts : {exit_with(0), exit_with(127), killed_by(SIGKILL)}) {
      facts.stopped.cause = row.cause;
      CHECK(classify_exit(facts, {}).verdict == row.verdict);
    }
  }
}

TEST_CASE("a program that cannot be started is broken, not its job bad") {
  ExitFacts facts = exit_with(0);
  facts.spawn_error = ENOENT;
  const Ending ending = classify_exit(facts, {});
  CHECK(ending.verdict == Verdict::broken);
  CHECK(
      ending.text ==
      "cannot start job.py: No such file or directory: it, or the interpreter that its first line "
      "names");
}

TEST_CASE("results are JSON documents") {
  CHECK(to_json_document("{\"a\": 1}\n") == "{\"a\": 1}");
  CHECK(to_json_document("42") == "42");
  CHECK(to_json_document("hello\n") == "\"hello\"");
  CHECK(to_json_document("two\nlines\n") == "\"two\\nlines\"");
  CHECK(to_json_document("") == "null");
  CHECK(to_json_document("\n") == "null");
  CHECK(to_json_document("\xff").find("\xff") == std::string::npos);
  CHECK(to_json_document("1.00000000000000000001") == "1.00000000000000000001");
}

TEST_CASE("results that the queue cannot keep are dead with the bound named") {
  ExitFacts facts = exit_with(0);
  facts.output = std::string(queue::kMaxResultBytes + 1, 'x');
  Ending ending = classify_exit(facts, {});
  CHECK(ending.verdict == Verdict::bury);
  CHECK(ending.text.find("ResultTooLarge") == 0);
  CHECK(ending.text.find("16384") != std::string::npos);

  facts = killed_by(SIGKILL);
  facts.output_too_large = true;
  ending = classify_exit(facts, {});
  CHECK(ending.verdict == Verdict::bury);
  CHECK(ending.text.find("1048576") != std::string::npos);
}

TEST_CASE("errors keep the code and the end of what was said, within the bound") {
  ExitFacts facts = exit_with(1);
  facts.errors = std::string(3000, 'a') + "the cause\n";
  const Ending ending = classify_exit(facts, {});
  CHECK(ending.text.size() == queue::kMaxErrorBytes);
  CHECK(ending.text.find("exit code 1: ") == 0);
  CHECK(ending.text.ends_with("the cause"));
}
