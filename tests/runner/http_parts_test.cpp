// The pure parts of the http handler: URLs, requests, what an answer means.
#include <cerrno>
#include <doctest/doctest.h>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "base/loopback_url.h"
#include "runner/handlers/http/outcome.h"
#include "runner/handlers/http/request.h"
#include "runner/handlers/http/url.h"
#include "tests/operator/pool/url_cases.h"

using namespace wp;
using namespace wp::runner;

namespace {

std::string refusal(const std::string& url) {
  try {
    (void)parse_http_url(url);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

HttpFacts answer(const std::string& bytes) {
  HttpFacts facts;
  facts.answer.add(bytes);
  facts.answer.end();
  return facts;
}

Ending judge(const std::string& bytes, Millis wall = Millis{0}) {
  return classify_http(answer(bytes), {"http://127.0.0.1:8000/jobs", Millis{10000}}, wall);
}

Ending status(int code, const std::string& headers = "", const std::string& body = "because") {
  return judge("HTTP/1.1 " + std::to_string(code) + " x\r\n" + headers + "\r\n" + body);
}

Task job(const std::string& payload) {
  Task task;
  task.job.id = "id-1";
  task.job.type = "mail";
  task.job.epoch = 7;
  task.job.failures = 2;
  task.job.payload = payload;
  task.max_attempts = 5;
  return task;
}

const HttpTarget kTarget = parse_http_url("http://127.0.0.1:8000/jobs?x=1");

HttpRequest request(const Task& task, Millis deadline = Millis{0}) {
  return make_job_request(task, kTarget, "q", deadline);
}

}  // namespace

TEST_CASE("URLs on loopback") {
  struct Row {
    std::string url, authority, path;
    std::size_t addresses;
  };
  for (const Row& row :
       {Row{"http://127.0.0.1:8000/jobs", "127.0.0.1:8000", "/jobs", 1},
        Row{"http://127.1.2.3", "127.1.2.3", "/", 1},
        Row{"HTTP://LocalHost:8000", "LocalHost:8000", "/", 2},
        Row{"http://[::1]:65535/a?b=c/d", "[::1]:65535", "/a?b=c/d", 1},
        Row{"http://[::1]", "[::1]", "/", 1}, Row{"http://127.0.0.1?q", "127.0.0.1", "/?q", 1}}) {
    CAPTURE(row.url);
    const HttpTarget target = parse_http_url(row.url);
    CHECK(target.authority == row.authority);
    CHECK(target.path == row.path);
    CHECK(target.addresses.size() == row.addresses);
  }
  const HttpTarget usual = parse_http_url("http://127.0.0.1");
  const auto& address = reinterpret_cast<const sockaddr_in&>(usual.addresses.front().socket);
  CHECK(ntohs(address.sin_port) == 80);
}

TEST_CASE("a pool's rules and the runner take the same addresses") {
  for (const pool::UrlCase& one : pool::kUrlCases) {
    CAPTURE(one.url);
    CHECK(refusal(one.url).empty() == one.fine);
  }
  for (const pool::UrlCase& one : pool::kReadyPathCases) {
    CAPTURE(one.url);
    CHECK(problem_with_http_path(one.url).empty() == one.fine);
  }
}

TEST_CASE("URLs that are refused in one line, which says why") {
  using namespace std::string_literals;
  struct Row {
    std::string url, why;
  };
  for (const Row& row : {Row{"", "does not begin with http://"},
                         Row{"127.0.0.1:8000", "does not begin"},
                         Row{"https://127.0.0.1/", "does not begin"},
                         Row{"http://", "not on loopback"},
                         Row{"http:///jobs", "not on loopback"},
                         Row{"http://example.com/", "not on loopback"},
                         Row{"http://10.0.0.1/", "not on loopback"},
                         Row{"http://0.0.0.0/", "not on loopback"},
                         Row{"http://127.0.0.1.example.com/", "not on loopback"},
                         Row{"http://localhost.example.com/", "not on loopback"},
                         Row{"http://127.1/", "not on loopback"},
                         Row{"http://2130706433/", "not on loopback"},
                         Row{"http://[::]/", "not on loopback"},
                         Row{"http://[::1/", "not on loopback"},
                         Row{"http://[::ffff:127.0.0.1]/", "not on loopback"},
                         Row{"http://[fe80::1%lo]/", "not on loopback"},
                         Row{"http://127.0.0.1\0/"s, "not on loopback"},
                         Row{"http://127.0.0.1:/", "has a port"},
                         Row{"http://127.0.0.1:0/", "has a port"},
                         Row{"http://127.0.0.1:65536/", "has a port"},
                         Row{"http://127.0.0.1:-1/", "has a port"},
                         Row{"http://127.0.0.1:80x/", "has a port"},
                         Row{"http://127.0.0.1:1:2/", "has a port"},
                         Row{"http://127.0.0.1/a b", "no path"},
                         Row{"http://127.0.0.1/a#b", "no path"},
                         Row{"http://127.0.0.1/\r\nX: y", "no path"},
                         Row{"http://127.0.0.1/\xC3\xA9", "no path"},
                         Row{"http://127.0.0.1/" + std::string(3000, 'a'), "too long"}}) {
    CAPTURE(row.url);
    const std::string line = refusal(row.url);
    CAPTURE(line);
    CHECK(contains(line, row.why));
    CHECK(contains(line, "http://127.0.0.1:8000/jobs"));
    CHECK_FALSE(contains(line, "\n"));
  }
  const std::string secret = refusal("http://me:hidden@127.0.0.1/");
  CHECK(contains(secret, "user name"));
  CHECK_FALSE(contains(secret, "hidden"));
}

TEST_CASE("a job is posted with its facts") {
  const Task task = job("{\"a\":1}");
  const HttpRequest made = request(task, Millis{1795242758123});
  CHECK(made.head.starts_with("POST /jobs?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"));
  CHECK(made.head.ends_with("\r\n\r\n"));
  for (const char* line : {"User-Agent: workerpool-runner/" WORKERPOOL_VERSION, "Connection: close",
                           "Content-Type: application/json", "Content-Length: 7", "WP-Job-Id: id-1",
                           "WP-Job-Type: mail", "WP-Queue: q", "WP-Attempt: 3",
                           "WP-Max-Attempts: 5", "WP-Epoch: 7", "WP-Deadline: 2026-11-21T"}) {
    CAPTURE(line);
    CHECK(contains(made.head, std::string("\r\n") + line));
  }
  CHECK_FALSE(contains(made.head, "WP-Session"));
  CHECK_FALSE(contains(made.head, "WP-Envelope"));
  CHECK(made.body(task) == "{\"a\":1}");
  CHECK(made.body(task).data() == task.job.payload.data());  // no copy
  const Task bytes = job("no json");
  CHECK(contains(request(bytes).head, "Content-Type: application/octet-stream"));
  CHECK_FALSE(contains(request(bytes).head, "WP-Deadline"));
  CHECK(contains(request(job("")).head, "Content-Length: 0\r\n"));
}

TEST_CASE("no value of a job can end its header") {
  Task task = job("{}");
  task.job.id = "a\r\nX-Evil: 1\r\n\r\nPOST /other HTTP/1.1";
  task.job.type = std::string("b\0\n\x7F\xC3\xA9", 6);
  task.job.session = "c\rd";
  const std::string head = make_job_request(task, kTarget, "q\nr", Millis{0}).head;
  CHECK_FALSE(contains(head, "\r\nX-Evil"));
  CHECK(contains(head, "\r\nWP-Job-Id: a??X-Evil: 1????POST /other HTTP/1.1\r\n"));
  CHECK(contains(head, "\r\nWP-Job-Type: b?????\r\n"));
  CHECK(contains(head, "\r\nWP-Session: c?d\r\n"));
  CHECK(contains(head, "\r\nWP-Queue: q?r\r\n"));
  CHECK(head.find("\r\n\r\n") == head.size() - 4);
}

TEST_CASE("a session and a result before travel in an envelope") {
  using nlohmann::json;
  Task task = job("{\"n\": 12345678901234567890123, \"b\": 1, \"a\": 2}");
  task.job.session = "cart-1";
  task.job.session_document = "{\"items\":[1]}";
  task.job.previous = "\"before\"";
  const HttpRequest made = request(task);
  CHECK(contains(made.head, "WP-Envelope: job\r\n"));
  CHECK(contains(made.head, "WP-Session: cart-1\r\n"));
  CHECK(contains(made.head, "Content-Type: application/json\r\n"));
  CHECK(contains(made.head, "Content-Length: " + std::to_string(made.body(task).size()) + "\r\n"));
  // The payload as it was written, down to its digits and order.
  CHECK(contains(made.envelope, "\"payload\":" + task.job.payload));
  const json parsed = json::parse(made.envelope);
  CHECK(parsed["session"] == json{{"name", "cart-1"}, {"document", {{"items", {1}}}}});
  CHECK(parsed["previous"] == "before");

  task.job.payload = "plain \"text\"\n";
  CHECK(json::parse(request(task).envelope)["payload"] == "plain \"text\"\n");
  task.job.payload = "";
  CHECK(json::parse(request(task).envelope)["payload"] == "");
  task.job.payload = "\xFF\xFE";
  CHECK(json::parse(request(task).envelope)["payload_base64"] == "//4=");
  CHECK_FALSE(json::parse(request(task).envelope).contains("payload"));
  task.job.session_document = "no json";
  CHECK(json::parse(request(task).envelope)["session"]["document"] == "no json");
  task.job.session.clear();
  CHECK_FALSE(json::parse(request(task).envelope).contains("session"));
}

TEST_CASE("what each status means") {
  for (int code = 200; code < 600; ++code) {
    Verdict wanted = code < 300 ? Verdict::complete : code < 400 ? Verdict::broken : Verdict::fail;
    for (const int dead : {400, 410, 422}) wanted = code == dead ? Verdict::bury : wanted;
    for (const int later : {408, 425, 429, 503}) wanted = code == later ? Verdict::defer : wanted;
    for (const int wrong : {401, 403, 404, 405, 501}) {
      wanted = code == wrong ? Verdict::broken : wanted;
    }
    CAPTURE(code);
    CHECK(status(code).verdict == wanted);
  }
  CHECK(status(404).answered);  // so it may be the job after all
  CHECK(status(302).answered);
  CHECK(status(500).text == "HTTP 500: because");
  CHECK(status(422).text == "HTTP 422: because");
  CHECK(status(500, "", "").text == "HTTP 500");
  CHECK(status(404).text == "http://127.0.0.1:8000/jobs answers HTTP 404: because");
  CHECK(contains(status(302, "Location: http://elsewhere/\r\n").text,
                 "redirects are not followed (Location: http://elsewhere/)"));
}

TEST_CASE("results are JSON, or a string of what was said") {
  CHECK(status(200, "", "{\"a\": 1}").text == "{\"a\": 1}");
  CHECK(status(200, "", "plain\n").text == "\"plain\"");
  CHECK(status(201, "", "").text == "null");
  CHECK(judge("HTTP/1.1 204 x\r\n\r\n").text == "null");
  const Ending large = status(200, "", std::string(20000, 'x'));
  CHECK(large.verdict == Verdict::bury);
  CHECK(large.text.starts_with("ResultTooLarge"));
  const Ending larger = status(200, "", std::string((1 << 20) + 1, 'x'));
  CHECK(larger.verdict == Verdict::bury);
  CHECK(larger.text.starts_with("ResultTooLarge"));
  CHECK(status(200, "", std::string(1 << 20, ' ')).text == "null");
  CHECK(status(200, "Content-Encoding: gzip\r\n", "\x1f\x8b").verdict == Verdict::fail);
  CHECK(status(200, "Content-Encoding: identity\r\n", "1").text == "1");
}

TEST_CASE("an answer's envelope: a result and a session's patch") {
  const std::string header = "WP-Envelope: result\r\n";
  const Ending both = status(200, header, R"({"result": [1], "session": {"n": null}})");
  CHECK(both.verdict == Verdict::complete);
  CHECK(both.text == "[1]");
  CHECK(both.session_patch == R"({"n": null})");
  CHECK(status(200, header, "{}").text == "null");
  CHECK(status(200, header, "{\"result\": 1, \"session\": null}").session_patch.empty());
  // As it was written, down to the digits.
  CHECK(status(200, header, "{\"result\": 1.10}").text == "1.10");
  CHECK(status(200, header, "[1]").verdict == Verdict::fail);
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  CHECK(status(200, header, "{\"result\": " + deep + "}").text.starts_with("ResultTooLarge"));
  CHECK(status(200, header, "{\"session\": {\"a\": " + deep + "}}").verdict == Verdict::fail);
  CHECK(status(200, header, "text").text.ends_with(": text"));
  CHECK(status(200, header, "{\"session\": [1]}").verdict == Verdict::fail);
  CHECK(status(200, "WP-Envelope: other\r\n", "{\"result\": 1}").text == "{\"result\": 1}");
  CHECK(status(200, "", "{\"result\": 1}").text == "{\"result\": 1}");
}

TEST_CASE("errors are bounded, printable UTF-8") {
  const Ending long_one = status(500, "", std::string(100000, 'e'));
  CHECK(long_one.text.size() <= queue::kMaxErrorBytes);
  CHECK(long_one.text.size() > queue::kMaxErrorBytes - 10);
  CHECK(status(500, "",
               "a\x01\xFF"
               "b\x1B[31m\n")
            .text == "HTTP 500: a\\x01\\xffb\\x1b[31m");
  // Larger than any result may be: the status is clear all the same.
  CHECK(status(500, "", std::string(2 << 20, 'e')).verdict == Verdict::fail);
  CHECK(status(422, "", std::string(2 << 20, 'e')).verdict == Verdict::bury);
  const std::string bad = "Transfer-Encoding: chunked\r\n";
  CHECK(status(200, bad, "no size\r\n").verdict == Verdict::fail);
  CHECK(status(404, bad, "no size\r\n").verdict == Verdict::broken);
}

TEST_CASE("Retry-After: seconds or a date, an hour at most") {
  const Millis now{784111777000};  // Sun, 06 Nov 1994 08:49:37 GMT
  struct Row {
    const char* value;
    std::int64_t delay;
  };
  for (const Row& row :
       {Row{"", 10000}, Row{"0", 0}, Row{"7", 7000}, Row{"3600", 3600000}, Row{"3601", 3600000},
        Row{"99999999999999999999999999", 3600000}, Row{"-1", 10000}, Row{"soon", 10000},
        Row{"1.5", 10000}, Row{"Sun, 06 Nov 1994 08:49:47 GMT", 10000},
        Row{"Sun, 06 Nov 1994 08:50:37 GMT", 60000}, Row{"Sun, 06 Nov 1994 08:00:00 GMT", 0},
        Row{"Sunday, 06-Nov-94 08:49:39 GMT", 2000}, Row{"Sun Nov  6 08:49:40 1994", 3000},
        Row{"Sat, 21 Nov 2026 00:00:00 GMT", 3600000},
        Row{"Sun, 06 Nov 1994 08:50:37 GMT and more", 10000}}) {
    CAPTURE(row.value);
    CHECK(parse_retry_after(row.value, now, Millis{10000}).count() == row.delay);
  }
  CHECK(status(503, "Retry-After: 7\r\n").delay == Millis{7000});
  CHECK(status(429).delay == Millis{10000});
}

TEST_CASE("without an answer: unreachable, no HTTP, broken off") {
  HttpFacts refused;
  refused.error = ECONNREFUSED;
  const Ending none = classify_http(refused, {"http://127.0.0.1:1/", Millis{0}}, Millis{0});
  CHECK(none.verdict == Verdict::broken);
  CHECK_FALSE(none.answered);
  CHECK(none.text == "http://127.0.0.1:1/ cannot be reached: Connection refused");
  const Ending other = judge("+PONG\r\n");
  CHECK(other.verdict == Verdict::broken);
  CHECK(other.text == "http://127.0.0.1:8000/jobs does not speak HTTP: it says \"+PONG\"");
  CHECK(judge("").verdict == Verdict::crash);
  CHECK(judge("").text == "the app ended the connection before it answered");
  CHECK(judge("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").verdict == Verdict::crash);
  CHECK(judge("HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf").verdict == Verdict::crash);
}
