#include "base/options.h"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <unistd.h>

using namespace wp;

namespace {

// A variable of the environment for the length of a case.
class Env {
 public:
  Env(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Env() { unsetenv(name_); }
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;

 private:
  const char* name_;
};

class File {
 public:
  explicit File(const std::string& text) {
    std::string pattern = std::filesystem::temp_directory_path() / "wp-options.XXXXXX";
    const int fd = mkstemp(pattern.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    path_ = pattern;
    std::ofstream(path_) << text;
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Parsed parse(Options& options, std::vector<std::string> words) {
  std::vector<const char*> argv{"program"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return options.parse(static_cast<int>(argv.size()), argv.data());
}

// One setting of each kind.
struct Program {
  std::string name = "nobody";
  std::int64_t slots = 1;
  Millis lease{15'000};
  std::int64_t memory = 1024;
  std::string mode = "exec";
  bool force = false;
  std::vector<std::string> types;
  std::string password;
  Options options{"program", "About."};

  Program() {
    options.text({.name = "name", .env = "WPT_NAME", .help = "a name", .letter = 'n'}, name);
    options.integer({.name = "slots", .env = "WPT_SLOTS", .help = "jobs at once"}, slots,
                    {1, 1000});
    options.duration({.name = "lease", .env = "WPT_LEASE"}, lease, {1000, 3'600'000});
    options.bytes({.name = "memory", .env = "WPT_MEMORY"}, memory, {1024, 1 << 20});
    options.choice({.name = "mode", .env = "WPT_MODE"}, mode, {"exec", "http"});
    options.toggle({.name = "force", .env = "WPT_FORCE", .letter = 'f'}, force);
    options.list({.name = "type", .env = "WPT_TYPES"}, types);
    options.text({.name = "password", .env = "WPT_PASSWORD", .secret = true}, password);
  }

  std::string source(const std::string& setting) const {
    for (const ResolvedSetting& s : options.resolved()) {
      if (s.name == setting) return s.source;
    }
    return "none";
  }
};

std::string error_of(std::vector<std::string> words) {
  Program p;
  try {
    (void)parse(p.options, std::move(words));
  } catch (const UsageError& e) {
    return e.what();
  }
  return "no error";
}

bool holds(const std::string& text, std::string_view part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("\"", text, "\" lacks \"", part, "\"");
  return found;
}

}  // namespace

TEST_CASE("nothing given: every variable keeps its default") {
  Program p;
  CHECK(parse(p.options, {}) == Parsed::run);
  CHECK(p.slots == 1);
  CHECK(p.mode == "exec");
  CHECK(p.types.empty());
  CHECK(p.source("slots") == "default");
}

TEST_CASE("flags beat the environment, the environment beats the file, the file the default") {
  const File file("slots: 2\nlease: 2s\nmemory: 2Ki\nmode: http\n");
  const Env slots("WPT_SLOTS", "3");
  const Env lease("WPT_LEASE", "3s");
  Program p;
  (void)parse(p.options, {"--config", file.path(), "--slots", "4"});
  CHECK(p.slots == 4);
  CHECK(p.lease == Millis{3000});
  CHECK(p.memory == 2048);
  CHECK(p.mode == "http");
  CHECK(p.name == "nobody");
  CHECK(p.source("slots") == "flag --slots");
  CHECK(p.source("lease") == "environment WPT_LEASE");
  CHECK(p.source("memory") == "file " + file.path());
  CHECK(p.source("name") == "default");
}

TEST_CASE("every kind of value from every source") {
  const auto all_set = [](const Program& p) {
    CHECK(p.name == "a b");
    CHECK(p.slots == 7);
    CHECK(p.lease == Millis{90'000});
    CHECK(p.memory == 65536);
    CHECK(p.mode == "http");
    CHECK(p.force);
    CHECK(p.types == std::vector<std::string>{"x", "y"});
    CHECK(p.password == "hush");
  };
  {
    Program p;
    (void)parse(p.options,
                {"--name", "a b", "--slots=7", "--lease", "1m30s", "--memory", "64Ki", "--mode",
                 "http", "--force", "--type", "x", "--type", "y", "--password", "hush"});
    all_set(p);
  }
  {
    const Env e1("WPT_NAME", "a b"), e2("WPT_SLOTS", "7"), e3("WPT_LEASE", "90s"),
        e4("WPT_MEMORY", "65536"), e5("WPT_MODE", "http"), e6("WPT_FORCE", "true"),
        e7("WPT_TYPES", "x,y"), e8("WPT_PASSWORD", "hush");
    Program p;
    (void)parse(p.options, {});
    all_set(p);
  }
  {
    const File file(
        "name: a b\nslots: 7\nlease: 90s\nmemory: 64Ki\nmode: http\nforce: true\n"
        "type: [x, y]\npassword: hush\n");
    Program p;
    (void)parse(p.options, {"--config", file.path()});
    all_set(p);
  }
}

TEST_CASE("a bad value names the setting, the value, its source and what is allowed") {
  const std::string flag = error_of({"--slots", "0"});
  CHECK(holds(flag, "slots: \"0\" (from flag --slots)"));
  CHECK(holds(flag, "a whole number from 1 to 1000"));
  {
    const Env env("WPT_SLOTS", "many");
    CHECK(holds(error_of({}), "slots: \"many\" (from environment WPT_SLOTS)"));
  }
  const File file("lease: 5\n");
  const std::string in_file = error_of({"--config", file.path()});
  CHECK(holds(in_file, "lease: \"5\" (from file " + file.path() + ")"));
  CHECK(holds(in_file, "a duration such as 90s or 5m, from 1s to 1h"));
  CHECK(holds(error_of({"--memory", "2Mi"}), "a size such as 64Ki or 1Mi, from 1Ki to 1Mi"));
  CHECK(holds(error_of({"--mode", "ftp"}), "one of exec, http"));
  const Env env("WPT_FORCE", "yes");
  CHECK(holds(error_of({}),
              "force: \"yes\" (from environment WPT_FORCE) is not allowed: true or "
              "false"));
}

TEST_CASE("whole numbers only: no blanks, signs, fractions, overflow") {
  for (const char* text : {"", " 1", "1 ", "+1", "1.0", "1e2", "0x10", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(holds(error_of({std::string("--slots=") + text}), "slots"));
  }
}

TEST_CASE("a secret is never printed") {
  Program p;
  (void)parse(p.options, {"--password", "hush"});
  for (const ResolvedSetting& s : p.options.resolved()) {
    CHECK(s.value.find("hush") == std::string::npos);
    if (s.name == "password") CHECK(s.value == "(set)");
  }
  Program unset;
  (void)parse(unset.options, {});
  CHECK(unset.options.resolved().back().value == "(not set)");

  const Env env("WPT_PIN", "hush");
  Options options("program", "");
  std::int64_t pin = 0;
  options.integer({.name = "pin", .env = "WPT_PIN", .secret = true}, pin, {0, 9999});
  try {
    (void)parse(options, {});
    FAIL("accepted");
  } catch (const UsageError& e) {
    CHECK(std::string(e.what()).find("hush") == std::string::npos);
    CHECK(holds(e.what(), "environment WPT_PIN"));
  }
}

TEST_CASE("the last flag counts; an empty variable of the environment is none") {
  const Env env("WPT_SLOTS", "");
  Program p;
  (void)parse(p.options, {"--slots", "2", "--slots", "3", "-n", "x", "-f"});
  CHECK(p.slots == 3);
  CHECK(p.name == "x");
  CHECK(p.force);
}

TEST_CASE("values keep their bytes: brackets, braces, dashes, commas, nothing") {
  for (const char* text : {"[1,2]", "{}", "{\"a\":[1]}", "-", "--force", "a,b", "", "[ -f x ]",
                           "\"quoted\"", "%%", "line\nline"}) {
    CAPTURE(text);
    Program p;
    (void)parse(p.options, {"--name", text, "--type", text, "--type", text});
    CHECK(p.name == text);
    CHECK(p.types == std::vector<std::string>{text, text});
    CHECK_FALSE(p.force);
  }
}

TEST_CASE("unknown flags and words, and flags without their value") {
  CHECK(holds(error_of({"--slot", "1"}), "--slot"));
  CHECK(holds(error_of({"word"}), "word"));
  CHECK(holds(error_of({"--slots"}), "--slots"));
}

TEST_CASE("the file: unknown settings, other shapes, no YAML, not there") {
  const File unknown("slots: 2\nslotz: 3\n");
  CHECK(holds(error_of({"--config", unknown.path()}), "unknown setting \"slotz\""));
  const File shape("slots: [1, 2]\n");
  CHECK(holds(error_of({"--config", shape.path()}), "slots: expected a single value"));
  const File map("type: {a: b}\n");
  CHECK(holds(error_of({"--config", map.path()}), "type: expected a list"));
  const File broken("slots: 2\n  name: [\n");
  CHECK(holds(error_of({"--config", broken.path()}), "not YAML"));
  const File words("just words\n");
  CHECK(holds(error_of({"--config", words.path()}), "name: value"));
  CHECK(holds(error_of({"--config", "/nowhere/x.yaml"}), "cannot read \"/nowhere/x.yaml\""));
  const File empty("");
  CHECK(error_of({"--config", empty.path()}) == "no error");
}

TEST_CASE("the remainder keeps every word as it is") {
  const auto words_of = [](std::vector<std::string> arguments) {
    Options options("program", "");
    std::int64_t slots = 1;
    bool force = false;
    std::vector<std::string> words;
    options.integer({.name = "slots"}, slots, {1, 9});
    options.toggle({.name = "force"}, force);
    options.remainder("command", "the program", words);
    (void)parse(options, std::move(arguments));
    CHECK(slots == 2);
    CHECK_FALSE(force);
    return words;
  };
  using Words = std::vector<std::string>;
  CHECK(words_of({"--slots", "2"}).empty());
  CHECK(words_of({"--slots", "2", "--"}).empty());
  CHECK(words_of({"--slots", "2", "--", "sh", "-c", "[ -f x ]"}) == Words{"sh", "-c", "[ -f x ]"});
  CHECK(words_of({"--slots", "2", "sh", "--force", "--slots", "3"}) ==
        Words{"sh", "--force", "--slots", "3"});
  CHECK(words_of({"--slots", "2", "sh", "--", "x", ""}) == Words{"sh", "--", "x", ""});
  CHECK(words_of({"--slots", "2", "--", "--force"}) == Words{"--force"});
  CHECK(words_of({"--slots", "2", "--", "[a,b]", "--"}) == Words{"[a,b]", "--"});

  Options typo("program", "");
  Words words;
  typo.remainder("command", "the program", words);
  CHECK_THROWS_AS(parse(typo, {"--slotz", "2", "--", "sh"}), UsageError);
}

namespace {

// verb [word [word]], and verbs in groups, as workerpoolctl has them.
struct Verbs {
  std::string redis = "none";
  std::string first;
  std::string second;
  std::string id;
  std::string queue_name;
  Options options{"program", ""};

  Verbs() {
    options.text({.name = "redis", .env = "WPT_REDIS", .letter = 'r'}, redis);
    Options& put = options.command("put", "puts");
    put.positional("FIRST", "a word", first, false);
    put.positional("SECOND", "a word", second, false);
    put.text({.name = "id"}, id);
    options.command("queue", "queues")
        .command("show", "shows")
        .positional("QUEUE", "a queue", queue_name, true);
  }
};

}  // namespace

TEST_CASE("sub-commands: which was chosen, and their own settings") {
  Verbs v;
  (void)parse(v.options, {"queue", "show", "emails"});
  CHECK(v.options.chosen() == "queue show");
  CHECK(v.queue_name == "emails");

  Verbs w;
  (void)parse(w.options, {"put", "a", "--id", "7", "b"});
  CHECK(w.options.chosen() == "put");
  CHECK(w.first == "a");
  CHECK(w.second == "b");
  CHECK(w.id == "7");
}

TEST_CASE("sub-commands: the program's settings stand before or behind them") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--redis", "x", "put", "a"},
        {"put", "--redis", "x", "a"},
        {"put", "a", "-r", "x"},
        {"put", "-rx", "a"}}) {
    Verbs v;
    (void)parse(v.options, words);
    CHECK(v.redis == "x");
    CHECK(v.first == "a");
  }
  Verbs nested;
  (void)parse(nested.options, {"queue", "show", "q", "--redis", "x"});
  CHECK(nested.redis == "x");
}

TEST_CASE("sub-commands: a word that is the name of another one stays a word") {
  Verbs v;
  (void)parse(v.options, {"put", "queue", "put"});
  CHECK(v.options.chosen() == "put");
  CHECK(v.first == "queue");
  CHECK(v.second == "put");
}

TEST_CASE("sub-commands: none, an unknown one, too many words, a missing word") {
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"putt"},
                                                {"queue"},
                                                {"queue", "show"},
                                                {"put", "a", "b", "c"},
                                                {"queue", "show", "a", "b"},
                                                {"queue", "show", "q", "--id", "7"}}) {
    Verbs v;
    CHECK_THROWS_AS(parse(v.options, words), UsageError);
  }
}

TEST_CASE("run_program: usage errors are 2, others 1") {
  CHECK(run_program("p", [] { return 75; }) == 75);
  CHECK(run_program("p", []() -> int { throw UsageError("usage"); }) == 2);
  CHECK(run_program("p", []() -> int { throw std::runtime_error("other"); }) == 1);
}
