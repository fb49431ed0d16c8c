// With real processes of /bin/sh.
#include "operator/workload/child_process.h"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>

using namespace wp;
using workload::ChildProcess;
using workload::Command;

namespace {

Command shell(const std::string& script) {
  Command command;
  command.words = {"/bin/sh", "-c", script};
  return command;
}

int end_of(ChildProcess& process) {
  pollfd end{process.pidfd(), POLLIN, 0};
  REQUIRE(poll(&end, 1, 20000) == 1);
  const auto status = process.reap();
  REQUIRE(status);
  return *status;
}

std::string output_of(Command command) {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  command.output = write_end.get();
  ChildProcess process(command);
  write_end.reset();
  std::string text;
  char buffer[512];
  for (ssize_t n = 0; (n = read(read_end.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  (void)end_of(process);
  return text;
}

}  // namespace

TEST_CASE("its end is heard, and described") {
  ChildProcess ends(shell("exit 3"));
  CHECK(workload::describe_end(end_of(ends)) == "exit status 3");
  ChildProcess killed(shell("kill -9 $$"));
  CHECK(workload::describe_end(end_of(killed)) == "signal 9 (Killed)");
}

TEST_CASE("a program that is not there is an exception that names it") {
  Command command;
  command.words = {"/no/such/program"};
  CHECK_THROWS_WITH_AS(ChildProcess{command},
                       "/no/such/program: cannot be executed: No such file or directory",
                       std::runtime_error);
  command = shell("true");
  command.directory = "/no/such/folder";
  CHECK_THROWS_AS(ChildProcess{command}, std::runtime_error);
}

TEST_CASE("environment, folder, no input, own group, no signal blocked, no stray descriptor") {
  Command command = shell(
      "echo \"$A $B $HOME\"; pwd; cat; ps -o pgid= $$ | tr -d ' ' | grep -qx $$ "
      "&& echo leads; grep SigBlk /proc/self/status; ls /proc/self/fd | wc -l");
  command.environment = {"A=1", "B=two", "PATH=/usr/bin:/bin"};
  command.directory = "/";
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const std::string output = output_of(command);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(output == "1 two \n/\nleads\nSigBlk:\t0000000000000000\n4\n");  // 0, 1, 2 and ls's own
}

TEST_CASE("it gets SIGTERM when the thread that started it ends") {
  std::unique_ptr<ChildProcess> process;
  std::thread([&] { process = std::make_unique<ChildProcess>(shell("exec sleep 600")); }).join();
  CHECK(workload::describe_end(end_of(*process)) == "signal 15 (Terminated)");
}

TEST_CASE("programs are found as a shell finds them") {
  CHECK(workload::find_program("sh", "/no/such:/bin") == "/bin/sh");
  CHECK(workload::find_program("/bin/sh", "") == "/bin/sh");
  CHECK(workload::find_program("sh", "/no/such").empty());
  CHECK(workload::find_program("/etc/passwd", "").empty());
  CHECK(workload::find_program("", "/bin").empty());
}
