// docs/install.md as its reader plays it, from the first command to the last: what needs a cluster
// on the real node of tests/e2e ($WORKERPOOL_E2E_DIR), the rest on this machine. At its end the
// page has removed all that it installed.
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <set>
#include <sstream>

#include "tests/docs/page.h"
#include "tests/docs/player.h"
#include "tests/support/replace_all.h"
#include "tests/support/temp_folder.h"

using namespace wp;
using namespace wp::test;

namespace {

constexpr Millis kLongestCommand{300000};  // each command says itself how long it waits

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

// The blocks of commands between the two headings of rank 2.
std::vector<FencedBlock> commands_between(const std::string& from, const std::string& until) {
  const Page page("install.md");
  std::istringstream in(page.text());
  int number = 0;
  int first = 0;
  int last = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line == from) first = number;
    if (line == until) last = number;
  }
  REQUIRE(first > 0);
  REQUIRE(last > first);
  std::vector<FencedBlock> found;
  for (const FencedBlock& block : page.blocks()) {
    if (block.language == "console" && block.line > first && block.line < last) {
      found.push_back(block);
    }
  }
  REQUIRE_FALSE(found.empty());
  return found;
}

void play(const FencedBlock& block, const std::vector<std::string>& shell) {
  const OwnFolder folder;
  for (const ConsoleCommand& command : commands_of(block)) {
    std::vector<std::string> words = shell;
    words.push_back("cd '" + variable("WORKERPOOL_SOURCE") + "' && " + command.words);
    Process process(words, folder.path() + "/log");
    const auto exit_code = process.wait(kLongestCommand);
    const std::string said =
        fmt::format("line {}: $ {}\n{}", command.line, command.words, process.output());
    REQUIRE_MESSAGE(exit_code == 0, said);
    CHECK_MESSAGE(says_lines(process.output(), command.says), said);
  }
}

}  // namespace

TEST_CASE("install.md: Helm and kubectl, on a real node") {
  const std::string node = variable("WORKERPOOL_E2E_DIR");
  if (!std::filesystem::exists(node + "/.workerpool-e2e")) {
    std::printf("SKIPPED: no node: tests/e2e/up, and its folder in $WORKERPOOL_E2E_DIR\n");
    std::fflush(stdout);
    std::_Exit(77);
  }
  const std::vector<std::string> shell = {
      variable("WORKERPOOL_SOURCE") + "/tests/e2e/enter", node, "bash", "-o", "pipefail", "-c"};
  // The page begins with a cluster that knows nothing of us; other tests leave the definition.
  FencedBlock clean;
  clean.lines = {"$ kubectl delete crd workerpools.workerpool.dev --ignore-not-found --timeout=2m"};
  play(clean, shell);
  for (const FencedBlock& block : commands_between("## Helm", "## Compose")) play(block, shell);
}

// Each block stands between headings that one of the cases plays, or is a program that is built.
TEST_CASE("install.md: page: no command is left out, and every page that it names is there") {
  const Page page("install.md");
  std::size_t played = commands_between("## Helm", "## Compose").size();
  for (const FencedBlock& block : page.blocks()) {
    REQUIRE(block.language == "console");
    if (block.text().starts_with("$ make build\n")) ++played;
    // What tests/e2e/images does, with the same Dockerfile and targets.
    if (block.text().starts_with("$ for target in operator runner ctl; do docker build ")) ++played;
  }
  CHECK(played == page.blocks().size());
  for (const char* file : {"manifests/install.yaml", "manifests/compose/docker-compose.yml",
                           "manifests/systemd/workerpool-runner@.service", "docs/rbac.md",
                           "docs/images.md", "docs/operations.md"}) {
    CHECK_MESSAGE(std::filesystem::exists(variable("WORKERPOOL_SOURCE") + "/" + file), file);
  }
}

// `make build` made what the tests run: the words behind it are theirs, in the folder of that
// build.
TEST_CASE("install.md: page: this machine") {
  for (FencedBlock block : Page("install.md").blocks()) {
    if (!block.text().starts_with("$ make build\n")) continue;
    block.lines.erase(block.lines.begin());
    ++block.line;
    for (std::string& line : block.lines) {
      replace_all(line, "build/release/bin", variable("WORKERPOOL_BIN"));
    }
    play(block, {"bash", "-c"});
  }
}
