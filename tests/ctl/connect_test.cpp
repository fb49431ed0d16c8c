#include "ctl/connect.h"

#include <doctest/doctest.h>
#include <filesystem>

#include "base/options.h"
#include "tests/ctl/run.h"

using namespace wp;
using namespace wp::ctl;

namespace {

std::string where(const redis::Settings& settings, const std::string& folder) {
  return find_target(settings, folder).endpoint.describe();
}

}  // namespace

TEST_CASE("the address: given, of the one local pool, the default") {
  const test::TempFolder folder;
  CHECK(where({}, folder.path() + "/none") == "redis://127.0.0.1:6379/0");
  CHECK(where({}, folder.path()) == "redis://127.0.0.1:6379/0");
  (void)folder.file("notes.txt", "redis://other:1/0\n");
  (void)folder.file("mail.url", "unix:///run/mail.sock \n");
  CHECK(where({}, folder.path()) == "unix:///run/mail.sock");
  CHECK(find_target({}, folder.path()).hint.find("mail.url") != std::string::npos);
  CHECK(where({.url = "redis://r:7/2"}, folder.path()) == "redis://r:7/2");
  (void)folder.file("orders.url", "redis://127.0.0.1:7000/0\n");
  CHECK(where({}, folder.path()) == "redis://127.0.0.1:6379/0");
  CHECK(find_target({}, folder.path())
            .hint.ends_with("2 local pools run, take the address of one of them: --redis "
                            "unix:///run/mail.sock --redis redis://127.0.0.1:7000/0"));
  // Left by a local mode that was killed: pid_max is far below.
  (void)folder.file("orders.status.json", R"({"local": {"pid": 99999999}})");
  CHECK(where({}, folder.path()) == "unix:///run/mail.sock");
}

TEST_CASE("a folder that others may write to is not believed") {
  const test::TempFolder folder;
  (void)folder.file("mail.url", "redis://evil:1/0\n");
  std::filesystem::permissions(folder.path(), std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  CHECK(where({}, folder.path()) == "redis://127.0.0.1:6379/0");
}

TEST_CASE("user and password beside the URL win over those within") {
  const auto target =
      find_target({.url = "redis://a:b@h", .username = "u", .password = "p"}, "/none");
  CHECK(target.endpoint.username == "u");
  CHECK(target.endpoint.password == "p");
  CHECK(find_target({.url = "redis://a:b@h"}, "/none").endpoint.password == "b");
}

TEST_CASE("an address that is none names where it came from") {
  const test::TempFolder folder;
  const std::string file = folder.file("mail.url", "nonsense\n");
  for (const auto& [settings, from] :
       {std::pair<redis::Settings, std::string>{{.url = "http://x"}, "redis: "}, {{}, file}}) {
    try {
      (void)find_target(settings, folder.path());
      FAIL("accepted");
    } catch (const UsageError& e) {
      CHECK(std::string(e.what()).starts_with(from));
    }
  }
}

TEST_CASE("errors of Redis: class, place once, next step, exit code") {
  Target target;
  target.endpoint = redis::parse_endpoint("redis://user:hush@h:7/2");
  const auto error = to_command_error(
      redis::Error(redis::ErrorClass::refused, "redis://h:7/2: Connection refused"), target);
  CHECK(error.code() == kUnreachable);
  CHECK(std::string(error.what()) ==
        "Redis at redis://h:7/2: Refused: Connection refused; is Redis running there? name another "
        "with --redis or WP_REDIS_URL");
  using redis::ErrorClass;
  for (const ErrorClass c :
       {ErrorClass::timeout, ErrorClass::closed, ErrorClass::tls, ErrorClass::auth,
        ErrorClass::permission, ErrorClass::loading, ErrorClass::read_only, ErrorClass::protocol}) {
    CHECK(to_command_error(redis::Error(c, "x"), target).code() == kUnreachable);
  }
  for (const ErrorClass c : {ErrorClass::wrong_type, ErrorClass::server, ErrorClass::no_script}) {
    CHECK(to_command_error(redis::Error(c, "x\ny"), target).code() == kError);
    CHECK(std::string(to_command_error(redis::Error(c, "x\ny"), target).what()).find('\n') ==
          std::string::npos);
  }
}

TEST_CASE("TLS settings hold for the address of a local pool too") {
  const test::TempFolder folder;
  (void)folder.file("mail.url", "rediss://host:7/0\n");
  const auto target = find_target({.ca_file = "/ca.pem"}, folder.path());
  REQUIRE(target.endpoint.tls);
  CHECK(target.endpoint.tls->ca_file == "/ca.pem");
  CHECK_THROWS_AS(find_target({.ca_file = "/ca.pem"}, "/none"), UsageError);
}
