// docs/handlers.md as its reader plays it: every program and every command that stands there, by
// the language they need. ctest runs each case alone (CMakeLists.txt), because a language that this
// machine lacks ends the program with 77: skipped, with the reason.
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <regex>
#include <set>

#include "tests/docs/page.h"
#include "tests/docs/player.h"
#include "tests/support/free_port.h"
#include "tests/support/redis_server.h"
#include "tests/support/replace_all.h"

using namespace wp;
using namespace wp::test;

namespace {

struct Language {
  std::string name;
  std::string try_it;   // a command that succeeds where the language is
  std::string missing;  // what to do where it is not
};

const std::vector<Language>& languages() {
  static const std::vector<Language> all = {
      {"shell", "sh -c true", "no sh here"},
      {"python", "python3 -c pass", "no python3 here: apt-get install python3"},
      {"go", "go version", "no go here: Go 1.21 or newer in PATH"},
      {"node", "node -e 0", "no node here: apt-get install nodejs"},
      {"flask", "/usr/bin/python3 -c 'import flask'",
       "no Flask here: apt-get install python3-flask"},
      {"express", "node -e 'require(\"express\")'",
       "no Express here: apt-get install nodejs node-express"},
  };
  return all;
}

std::string text_of(const std::vector<FencedBlock>& blocks, const std::string& file) {
  for (const FencedBlock& block : blocks) {
    if (block.file_name() == file) return block.text();
  }
  return {};
}

// The language of a block of commands, by the programs that they start.
std::string language_of(const FencedBlock& console, const std::vector<FencedBlock>& blocks) {
  static const std::regex file(R"(\b\w+\.(?:sh|py|js|go)\b)");
  std::set<std::string> found;
  const std::string text = console.text();
  for (std::sregex_iterator it(text.begin(), text.end(), file), end; it != end; ++it) {
    const std::string name = it->str();
    const std::string program = text_of(blocks, name);
    if (program.empty()) throw std::runtime_error("the page has no program " + name);
    const auto uses = [&](const char* what) { return program.find(what) != std::string::npos; };
    if (name.ends_with(".sh")) found.insert("shell");
    if (name.ends_with(".go")) found.insert("go");
    if (name.ends_with(".py")) found.insert(uses("from flask") ? "flask" : "python");
    if (name.ends_with(".js")) found.insert(uses("\"express\"") ? "express" : "node");
  }
  if (found.size() != 1) {
    throw std::runtime_error(
        fmt::format("line {}: commands of {} languages: {}", console.line, found.size(), text));
  }
  return *found.begin();
}

// The page as it stands, but for the ports of its apps: on this machine others may have them.
std::vector<FencedBlock> blocks_with_free_ports(const Page& page) {
  const std::string first = std::to_string(free_port());
  const std::string second = std::to_string(free_port());
  std::vector<FencedBlock> blocks = page.blocks();
  for (FencedBlock& block : blocks) {
    for (std::string& line : block.lines) {
      replace_all(line, "8000", first);
      replace_all(line, "8001", second);
    }
  }
  return blocks;
}

// Of the machine: Go where it is usually unpacked, and Debian's modules for any node.
std::map<std::string, std::string> environment(const RedisServer& redis) {
  const auto variable = [](const char* name, const char* otherwise) {
    const char* const value = std::getenv(name);
    return std::string(value != nullptr && *value != '\0' ? value : otherwise);
  };
  const std::string bin = variable("WORKERPOOL_BIN", ".");
  return {
      {"PATH", bin + ":" + variable("PATH", "/usr/bin:/bin") + ":/usr/local/go/bin"},
      {"WP_REDIS_URL", redis.url()},
      {"WP_PROBE_ADDR", "127.0.0.1:0"},  // another runner of this machine may have 9808
      {"NODE_PATH", variable("NODE_PATH", "/usr/share/nodejs")},
      {"HOME", variable("HOME", "/tmp")},  // the cache of `go build`
      {"GOTOOLCHAIN", "local"},
      {"GOWORK", "off"},
      {"GOPROXY", "off"},
  };
}

void play(const std::string& name) {
  const Page page("handlers.md");
  const RedisServer redis;
  const auto variables = environment(redis);
  for (const Language& language : languages()) {
    if (language.name != name) continue;
    const OwnFolder folder;
    Process tried({"sh", "-c", language.try_it}, folder.path() + "/log", variables);
    if (tried.wait() != 0) {
      std::printf("SKIPPED: %s\n", language.missing.c_str());
      std::fflush(stdout);
      std::_Exit(77);
    }
  }
  const std::vector<FencedBlock> blocks = blocks_with_free_ports(page);
  Player player(blocks, variables);
  int played = 0;
  for (const FencedBlock& block : blocks) {
    if (block.language != "console" || language_of(block, blocks) != name) continue;
    CAPTURE(block.text());
    CHECK_NOTHROW(player.play(block));
    ++played;
  }
  CHECK(played > 0);
}

}  // namespace

TEST_CASE("shell") {
  play("shell");
}
TEST_CASE("python") {
  play("python");
}
TEST_CASE("go") {
  play("go");
}
TEST_CASE("node") {
  play("node");
}
TEST_CASE("flask") {
  play("flask");
}
TEST_CASE("express") {
  play("express");
}

TEST_CASE("page: every block is a program with a name or commands of one language") {
  const Page page("handlers.md");
  const std::vector<FencedBlock> blocks = page.blocks();
  std::set<std::string> played;
  std::set<std::string> named;
  for (const FencedBlock& block : blocks) {
    CAPTURE(block.text());
    if (block.language == "console") {
      played.insert(language_of(block, blocks));
      CHECK_FALSE(commands_of(block).empty());
    } else {
      CHECK_MESSAGE(named.insert(block.file_name()).second, "two programs of one name");
      CHECK_FALSE(block.file_name().empty());
    }
  }
  for (const Language& language : languages()) CHECK(played.contains(language.name));
  // Each program is run by some block: none is only to look at.
  for (const std::string& file : named) {
    bool run = false;
    for (const FencedBlock& block : blocks) {
      run |= block.language == "console" && block.text().find(file) != std::string::npos;
    }
    CHECK_MESSAGE(run, file);
  }
}

TEST_CASE("page: what a command says is compared by words, line by line, in order") {
  CHECK(says_lines("a   b\nc\n", {"a b", "c"}));
  CHECK(says_lines("x\n a b \ny\nc\n", {"a  b", "c"}));
  CHECK_FALSE(says_lines("a b\nc\n", {"c", "a b"}));
  CHECK_FALSE(says_lines("a b c\n", {"a b"}));
  CHECK_FALSE(says_lines("", {"a"}));
}

TEST_CASE("page: a line that is not true fails, and names its place") {
  const RedisServer redis;
  const auto fails = [&](const std::string& text, const std::string& why) {
    const Page page = Page::of_text(text);
    Player player(page.blocks(), environment(redis));
    try {
      player.play(page.blocks().back());
      FAIL("passed: " << text);
    } catch (const std::runtime_error& error) {
      CHECK_MESSAGE(std::string(error.what()).find(why) != std::string::npos, error.what());
    }
  };
  fails("text\n```console\n$ echo yes\nno\n```\n", "line 3: $ echo yes\nit does not say:\nno");
  fails("```console\n$ sh -c 'exit 3'\n```\n", "it ended with 3");
  fails("```console\n$ workerpool-runner --queue q\n```\n", "it ended before it was stopped");
  fails("```sh\n# early_app.sh\nexit 0\n```\n```console\n$ sh early_app.sh\n$ sleep 1\n```\n",
        "it ended before it was stopped");
  fails("```console\nout of the blue\n```\n", "no command says");
}
