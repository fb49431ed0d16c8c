#include "tests/runner/python_worker.h"

namespace wp::test {
namespace {

constexpr const char* kWorker = R"(
import json, os, signal, subprocess, sys, time
job = None
def raw(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
def say(**message):
    raw((json.dumps({**message, **({"id": job["id"]} if job else {})}) + "\n").encode())
def touch(name, text="x"):
    path = os.path.join(os.environ["HERE"], name)
    with open(path + ".new", "w") as file:
        file.write(str(text))
    os.rename(path + ".new", path)
def wait(name):
    while not os.path.exists(os.path.join(os.environ["HERE"], name)):
        time.sleep(0.002)
exec(sys.argv[1])
while True:
    line = sys.stdin.readline()
    if not line:
        break
    job = json.loads(line)
    space = dict(globals())
    exec("def work():\n  " + job["payload"].replace("\n", "\n  "), space)
    result = space["work"]()
    if result != "said":
        say(result=result)
    job = None
exec(sys.argv[2])
)";

}  // namespace

std::vector<std::string> python_worker(const std::string& begin, const std::string& end) {
  return {"/usr/bin/python3", "-c", kWorker, begin, end};
}

}  // namespace wp::test
