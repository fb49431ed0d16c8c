// What no script may do: O(n) commands, numbers as text, keys that were not declared.
#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "queue/lua_sources.h"
#include "queue/scripts.h"

namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> lua_files() {
  const char* source = std::getenv("WORKERPOOL_SOURCE");
  REQUIRE(source != nullptr);
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(source) / "queue/lua")) {
    if (entry.path().extension() == ".lua") files.push_back(entry.path());
  }
  REQUIRE(files.size() > 10);
  return files;
}

}  // namespace

TEST_CASE("no script walks a whole structure, except CHECK") {
  const std::regex banned(R"('(KEYS|SCAN|HSCAN|ZSCAN|SSCAN|LREM|SMEMBERS)'|'LRANGE'[^\n]*0, -1)");
  for (const auto& file : lua_files()) {
    if (file.filename() == "check.lua") continue;
    CAPTURE(file.string());
    CHECK_FALSE(std::regex_search(read(file), banned));
  }
}

TEST_CASE("no script turns a number into text but by %d") {
  // tostring and .. keep 14 digits, and so does cjson: an epoch or a score would be damaged.
  const std::regex banned(
      R"(tostring|%\.0f|cjson(?!\.decode)|\.\. *(now|epoch|lease|seq|score)\b)");
  for (const auto& file : lua_files()) {
    CAPTURE(file.string());
    CHECK_FALSE(std::regex_search(read(file), banned));
  }
}

TEST_CASE("every key is declared: redis.call gets a K_ name right after the command") {
  const std::regex call(R"(redis\.p?call\('([A-Z]+)', *([^,)]+))");
  for (const auto& file : lua_files()) {
    const std::string text = read(file);
    CAPTURE(file.string());
    for (std::sregex_iterator it(text.begin(), text.end(), call), end; it != end; ++it) {
      const std::string key = (*it)[2];
      CAPTURE((*it)[0].str());
      const bool declared =
          key.starts_with("K_") || key == "key" || key == "set" || key == "sets[place[id]]";
      CHECK(declared);
    }
  }
}

TEST_CASE("every script that writes, except ENQUEUE, begins by deleting the key that never is") {
  for (const char* name :
       {"step", "beat", "release", "register", "config", "orphan", "retire", "unretire", "reclaim",
        "trim", "cancel", "promote", "reprioritise", "redrive", "remove", "purge", "pause"}) {
    std::istringstream lines(std::string(wp::lua_source(name)));
    std::string first;
    while (std::getline(lines, first) && first.starts_with("--")) {
    }
    CAPTURE(name);
    CHECK(first.starts_with("redis.call('DEL', K_nil)"));
  }
  // Fragments are put in front of it: what they run at once may only read.
  const std::regex write(
      R"(\n(local [a-z_, ]+ = )?redis\.call\('(HSET|HDEL|ZADD|ZREM|HINCRBY|LPUSH|DEL)')");
  for (const auto& file : lua_files()) {
    if (file.parent_path().filename() == "lib") CHECK_FALSE(std::regex_search(read(file), write));
  }
}

TEST_CASE("the scripts use the keys they name, and no other") {
  const wp::queue::Scripts& all = wp::queue::scripts();
  for (const auto* script :
       {&all.enqueue, &all.step,   &all.beat,    &all.release,      &all.register_worker,
        &all.config,  &all.orphan, &all.retire,  &all.unretire,     &all.reclaim,
        &all.trim,    &all.cancel, &all.promote, &all.reprioritise, &all.redrive,
        &all.remove,  &all.purge,  &all.pause,   &all.counts,       &all.job,
        &all.list,    &all.check}) {
    // A key that a script names becomes KEYS[i]; one that it does not name would be left as K_….
    const std::string& source = script->source();
    CAPTURE(script->name());
    CHECK(source.find("K_") == std::string::npos);
    for (std::size_t i = 1; i <= script->key_names().size(); ++i) {
      CAPTURE(script->key_names()[i - 1]);
      CHECK(source.find("KEYS[" + std::to_string(i) + "]") != std::string::npos);
    }
  }
}
