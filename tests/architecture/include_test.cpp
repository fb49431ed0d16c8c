#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/architecture/include_rules.h"

using namespace wp::test;

namespace {

namespace fs = std::filesystem;

// A tree of these files, gone with the object.
class Tree {
 public:
  explicit Tree(const std::map<std::string, std::string>& files) {
    std::string pattern = fs::temp_directory_path() / "wp-tree.XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    for (const auto& [name, text] : files) {
      fs::create_directories((root_ / name).parent_path());
      std::ofstream(root_ / name) << text;
    }
  }
  ~Tree() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  TreeReport check() const { return check_includes(root_); }

 private:
  fs::path root_;
};

std::vector<std::string> violations(const std::string& file, const std::string& line) {
  const std::map<std::string, std::string> files{{file, "#pragma once\n" + line + "\n"}};
  return Tree(files).check().violations;
}

}  // namespace

TEST_CASE("the tree keeps its arrows, and httplib.h stays where it is") {
  const char* const source = std::getenv("WORKERPOOL_SOURCE");
  REQUIRE_MESSAGE(source != nullptr, "WORKERPOOL_SOURCE is not set: run it by ctest");
  const TreeReport report = check_includes(source);
  for (const std::string& violation : report.violations) FAIL_CHECK(violation);
  // Not by looking at nothing.
  CHECK(report.files > 100);
  CHECK(report.includes > 200);
  // An allowance that nobody needs any more goes, too.
  CHECK(report.http_users ==
        std::vector<std::string>{"base/http_server.cpp", "operator/kube/http.cpp"});
}

TEST_CASE("every arrow in the wrong direction is found") {
  struct Row {
    const char* file;
    const char* include;
  };
  for (const Row& row : {
           Row{"base/a.h", "queue/queue.h"},
           Row{"base/a.h", "operator/pool/pool.h"},
           Row{"base/a.cpp", "tests/support/wait.h"},
           Row{"queue/a.cpp", "runner/options.h"},
           Row{"queue/redis/a.cpp", "ctl/exit.h"},
           Row{"runner/a.cpp", "operator/pool/pool.h"},
           Row{"runner/handlers/a.cpp", "ctl/exit.h"},
           Row{"ctl/a.cpp", "operator/fleet/fleet.h"},
           Row{"ctl/a.cpp", "operator/controller/controller.h"},
           Row{"ctl/output/a.cpp", "runner/options.h"},
           Row{"operator/kube/a.cpp", "operator/scaling/decide.h"},
           Row{"operator/kube/a.cpp", "operator/pool/pool.h"},
           Row{"operator/kube/a.cpp", "queue/queue.h"},
           Row{"operator/scaling/a.cpp", "operator/kube/client.h"},
           Row{"operator/scaling/a.cpp", "queue/queue.h"},
           Row{"operator/pool/a.cpp", "queue/queue.h"},
           Row{"operator/pool/a.cpp", "operator/scaling/decide.h"},
           Row{"operator/pool/a.cpp", "operator/sizing/params_of.h"},
           Row{"operator/scaling/a.cpp", "operator/sizing/params_of.h"},
           Row{"operator/sizing/a.cpp", "operator/controller/controller.h"},
           Row{"operator/sizing/a.cpp", "queue/queue.h"},
           Row{"operator/controller/a.cpp", "runner/options.h"},
           Row{"operator/main.cpp", "ctl/exit.h"},
           Row{"operator/main.cpp", "bench/a.h"},
           Row{"queue/a.cpp", "../runner/options.h"},
           Row{"queue/a.cpp", "queue/../runner/options.h"},
       }) {
    CAPTURE(row.file);
    CAPTURE(row.include);
    const std::string include = row.include;
    for (const std::string& line : {"#include \"" + include + "\"", "#include <" + include + ">",
                                    "  #  include  \"" + include + "\"  // why"}) {
      const auto found = violations(row.file, line);
      REQUIRE(found.size() == 1);
      CHECK(found[0].starts_with(std::string(row.file) + ":2: includes " + include));
    }
  }
}

TEST_CASE("what is allowed is not found, nor what is not ours, nor what is no include") {
  for (const auto& [file, line] : {
           std::pair{"queue/a.cpp", "#include \"base/clock.h\""},
           {"queue/redis/a.cpp", "#include \"queue/job.h\""},
           {"ctl/a.cpp", "#include \"operator/pool/pool.h\""},
           {"ctl/a.cpp", "#include \"operator/scaling/decide.h\""},
           {"ctl/a.cpp", "#include \"operator/sizing/params_of.h\""},
           {"operator/sizing/a.cpp", "#include \"operator/scaling/params.h\""},
           {"operator/backlog/a.cpp", "#include \"queue/queue.h\""},
           {"operator/controller/a.cpp", "#include \"operator/kube/client.h\""},
           {"operator/main.cpp", "#include \"operator/local/options.h\""},
           {"base/a.cpp", "#include <queue>"},
           {"base/a.cpp", "#include <sys/socket.h>"},
           {"base/a.cpp", "#include <nlohmann/json.hpp>"},
           {"base/a.cpp", "// #include \"queue/queue.h\""},
           {"base/a.md", "#include \"queue/queue.h\""},
           {"tests/a.cpp", "#include \"ctl/exit.h\""},
           {"bench/a.cpp", "#include <httplib.h>"},
           {"build/ctl/a.cpp", "#include \"runner/options.h\""},
           {"build-x/base/a.cpp", "#include \"runner/options.h\""},
           {".git/a.cpp", "#include \"runner/options.h\""},
       }) {
    CAPTURE(file);
    CAPTURE(line);
    CHECK(violations(file, line).empty());
  }
}

TEST_CASE("a new user of httplib.h is found, in a header above all") {
  for (const char* file : {"base/other.cpp", "base/http_server.h", "operator/kube/http.h",
                           "runner/handlers/http/handler.cpp", "ctl/serve.cpp"}) {
    for (const char* line :
         {"#include <httplib.h>", "#include \"httplib.h\"", "#include <cpp-httplib/httplib.h>"}) {
      const auto found = violations(file, line);
      REQUIRE(found.size() == 1);
      CHECK(found[0].find("base/http_server.cpp, operator/kube/http.cpp only") !=
            std::string::npos);
    }
  }
  CHECK(violations("base/http_server.cpp", "#include <httplib.h>").empty());
}

TEST_CASE("a folder without a rule is found") {
  const auto found = violations("gateway/main.cpp", "#include \"queue/queue.h\"");
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("gateway/main.cpp: its folder has no rule"));
}
